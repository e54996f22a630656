package io.greenroom.plugin.cli;

/**
 * How much the command line logs. The log backend reads these properties when the first logger is
 * made, so they are set before anything else happens; what the user sets wins.
 */
final class Logs {

    private static final String PREFIX = "org.slf4j.simpleLogger.";

    private Logs() {}

    /** Warnings only: a command's own output is enough. */
    static void quiet() {
        // Weld logs through JBoss Logging, which would otherwise pick java.util.logging.
        presetProperty("org.jboss.logging.provider", "slf4j");
        preset("showDateTime", "true");
        preset("dateTimeFormat", "HH:mm:ss");
        preset("showThreadName", "false");
        preset("showShortLogName", "true");
        preset("defaultLogLevel", "warn");
        // How far the loading of a large model has come.
        preset("log.io.greenroom.plugin.LoggedProgress", "info");
    }

    /** What happens, but not Weld's and Netty's inner life. */
    static void verbose() {
        System.setProperty(PREFIX + "defaultLogLevel", "info");
        preset("log.io.greenroom", "debug");
        preset("log.org.jboss.weld", "warn");
    }

    private static void preset(String key, String value) {
        presetProperty(PREFIX + key, value);
    }

    private static void presetProperty(String key, String value) {
        if (System.getProperty(key) == null) {
            System.setProperty(key, value);
        }
    }
}
