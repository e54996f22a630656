package io.greenroom.it.container;

import java.io.IOException;
import java.net.MalformedURLException;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * A server of a test's own, of the kind this run is for, with further jars beside the plugin's: in
 * DJL Serving's plugin folder, or on the embedded host's class path.
 */
public final class OwnServer implements AutoCloseable {

    private final ServerProcess process;
    private final Path log;

    private OwnServer(ServerProcess process, Path log) {
        this.process = process;
        this.log = log;
    }

    /**
     * Starts one without models.
     *
     * @param name of its work folder
     */
    public static OwnServer start(String name, List<Path> jars) throws IOException {
        boolean embedded = ServerReport.container().equals(EmbeddedHostContainer.NAME);
        Path work = Path.of("target", "it", name, ServerReport.container());
        Files.createDirectories(work);
        ServerProcess process =
                embedded
                        ? EmbeddedHostContainer.launch(work, jars)
                        : DjlServingContainer.launch(work, jars);
        return new OwnServer(process, work.resolve("server.log"));
    }

    /** Where it answers. */
    public URL url() {
        try {
            return process.url().toURL();
        } catch (MalformedURLException e) {
            throw new IllegalStateException(e);
        }
    }

    /** What it has written to its log so far. */
    public String log() throws IOException {
        return Files.readString(log);
    }

    /** Ends it with SIGTERM; fails if it does not end. */
    @Override
    public void close() throws IOException {
        process.stop();
    }
}
