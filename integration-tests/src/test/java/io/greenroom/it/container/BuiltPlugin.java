package io.greenroom.it.container;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** What the build of the plugin left: the jar operators get, and the embedded host's libraries. */
public final class BuiltPlugin {

    private static final Path TARGET =
            Path.of(System.getProperty("greenroom.plugin.target", "../plugin/target"));

    /** The main artifact: those with a classifier have letters where it has its version's end. */
    private static final String PLUGIN_JAR = "greenroom-plugin-{*SNAPSHOT,*[0-9]}.jar";

    private BuiltPlugin() {}

    /** The one jar that goes into the server's plugin folder. */
    public static Path jar() throws IOException {
        return one("the plugin's jar", PLUGIN_JAR);
    }

    /** The class path of the embedded host. */
    public static List<Path> hostClassPath() throws IOException {
        try (Stream<Path> libraries = list(TARGET.resolve("host-lib"))) {
            return Stream.concat(
                            Stream.of(jar(), one("the serving API", "*-serving-api.jar")),
                            libraries.filter(file -> file.toString().endsWith(".jar")))
                    .map(file -> file.toAbsolutePath().normalize())
                    .toList();
        }
    }

    private static Path one(String what, String glob) throws IOException {
        try (Stream<Path> files = list(TARGET)) {
            var matcher = TARGET.getFileSystem().getPathMatcher("glob:" + glob);
            return files.filter(file -> matcher.matches(file.getFileName()))
                    .findFirst()
                    .orElseThrow(
                            () ->
                                    new IOException(
                                            "There is no "
                                                    + glob
                                                    + " ("
                                                    + what
                                                    + ") in "
                                                    + TARGET.toAbsolutePath().normalize()
                                                    + "; run mvn verify from the root"));
        }
    }

    private static Stream<Path> list(Path folder) throws IOException {
        return Files.list(folder);
    }
}
