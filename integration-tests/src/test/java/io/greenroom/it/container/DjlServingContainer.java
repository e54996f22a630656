package io.greenroom.it.container;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Map;

/**
 * A DJL Serving distribution, named by the system property {@code djl.serving.home}, with a home of
 * its own and nothing but the plugin's jar in its plugin folder.
 */
public final class DjlServingContainer extends ModelServerContainer {

    /** Its name in arquillian.xml. */
    public static final String NAME = "djl-serving";

    /** The system property with the distribution's folder. */
    public static final String HOME = "djl.serving.home";

    @Override
    Path workFolder() {
        return Path.of("target", "it", NAME);
    }

    @Override
    ServerProcess launch() throws IOException {
        return launch(workFolder(), List.of());
    }

    /**
     * @param work folder for its home and log
     * @param jars beside the plugin's in its plugin folder
     */
    static ServerProcess launch(Path work, List<Path> jars) throws IOException {
        Path distribution = Path.of(System.getProperty(HOME));
        Path script = script(distribution);
        Path home = Files.createTempDirectory(work, "home").toAbsolutePath();
        Path plugins = Files.createDirectories(home.resolve("plugins"));
        Path jar = BuiltPlugin.jar();
        Files.copy(jar, plugins.resolve(jar.getFileName()), StandardCopyOption.REPLACE_EXISTING);
        for (Path other : jars) {
            Files.copy(other, plugins.resolve(other.getFileName()));
        }
        Files.createDirectories(home.resolve("conf"));
        Files.createDirectories(home.resolve("models"));
        int port = ServerProcess.freePort();
        String address = "http://127.0.0.1:" + port;
        ProcessBuilder builder = new ProcessBuilder("bash", script.toString());
        builder.environment()
                .putAll(
                        Map.of(
                                "JAVA_HOME",
                                System.getProperty("java.home"),
                                "JAVA_OPTS",
                                "-Xmx1g",
                                "MODEL_SERVER_HOME",
                                home.toString(),
                                "SERVING_MODEL_STORE",
                                home.resolve("models").toString(),
                                "SERVING_PLUGIN_FOLDER",
                                plugins.toString(),
                                "SERVING_INFERENCE_ADDRESS",
                                address,
                                "SERVING_MANAGEMENT_ADDRESS",
                                address,
                                "DJL_CACHE_DIR",
                                home.resolve("cache").toString(),
                                "DJL_OFFLINE",
                                "true",
                                "OPT_OUT_TRACKING",
                                "true"));
        builder.environment().put("SERVING_PROMETHEUS", "true");
        return ServerProcess.start(builder, work.resolve("server.log"), URI.create(address));
    }

    private static Path script(Path distribution) throws IOException {
        for (String name : new String[] {"serving", "djl-serving"}) {
            Path script = distribution.resolve("bin").resolve(name);
            if (Files.exists(script)) {
                return script;
            }
        }
        throw new IOException(
                "-D" + HOME + "=" + distribution + " is no DJL Serving: it has no bin/serving");
    }
}
