package io.greenroom.it.container;

import java.io.File;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Path;
import java.util.stream.Collectors;

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
        int port = ServerProcess.freePort();
        String classPath =
                BuiltPlugin.hostClassPath().stream()
                        .map(Path::toString)
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
                builder,
                workFolder().resolve("server.log"),
                URI.create("http://127.0.0.1:" + port));
    }
}
