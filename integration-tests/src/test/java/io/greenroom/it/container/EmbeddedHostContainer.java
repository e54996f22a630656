package io.greenroom.it.container;

import java.io.File;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** The embedded host, as {@code greenroom serve} runs it. */
public final class EmbeddedHostContainer extends ModelServerContainer {

    /** Its name in arquillian.xml. */
    public static final String NAME = "embedded-host";

    @Override
    Path workFolder() {
        return Path.of("target", "it", NAME);
    }

    @Override
    ServerProcess launch() throws IOException {
        return launch(workFolder(), List.of());
    }

    /**
     * @param work folder for its log
     * @param jars beside the plugin's
     */
    static ServerProcess launch(Path work, List<Path> jars) throws IOException {
        int port = ServerProcess.freePort();
        String classPath =
                Stream.concat(BuiltPlugin.hostClassPath().stream(), jars.stream())
                        .map(jar -> jar.toAbsolutePath().toString())
                        .collect(Collectors.joining(File.pathSeparator));
        ProcessBuilder builder =
                new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-Xmx512m",
                        "-cp",
                        classPath,
                        "io.greenroom.plugin.cli.Greenroom",
                        "serve",
                        "--verbose",
                        "--empty",
                        "--port",
                        Integer.toString(port));
        return ServerProcess.start(
                builder, work.resolve("server.log"), URI.create("http://127.0.0.1:" + port));
    }
}
