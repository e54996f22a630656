package io.greenroom.plugin.engine;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Properties;

/** The version this was built as. */
public final class GreenroomVersion {

    private static final String RESOURCE = "/io/greenroom/plugin/version.properties";

    private static final String CURRENT = read();

    private GreenroomVersion() {}

    public static String current() {
        return CURRENT;
    }

    private static String read() {
        try (InputStream in = GreenroomVersion.class.getResourceAsStream(RESOURCE)) {
            if (in == null) {
                throw new IllegalStateException("The plugin's jar lacks " + RESOURCE);
            }
            Properties properties = new Properties();
            properties.load(in);
            return properties.getProperty("version");
        } catch (IOException e) {
            throw new UncheckedIOException("Cannot read " + RESOURCE, e);
        }
    }
}
