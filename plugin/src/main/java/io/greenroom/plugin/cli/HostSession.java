package io.greenroom.plugin.cli;

import io.greenroom.plugin.engine.GreenroomVersion;
import io.greenroom.plugin.host.EmbeddedHost;
import io.greenroom.plugin.host.HostSettings;
import io.greenroom.plugin.host.ModelDefinition;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.List;
import java.util.concurrent.CountDownLatch;

/** Runs the embedded host until the user or the system ends it. */
final class HostSession implements AutoCloseable {

    private final EmbeddedHost host;
    private final List<ModelDefinition> models;
    private final CountDownLatch ended = new CountDownLatch(1);

    private HostSession(EmbeddedHost host, List<ModelDefinition> models) {
        this.host = host;
        this.models = models;
    }

    /** Starts the host; from now on Ctrl-C or SIGTERM closes it before the JVM ends. */
    static HostSession start(
            HostSettings settings, List<ModelDefinition> models, PrintWriter progress)
            throws IOException {
        List<String> names = models.stream().map(ModelDefinition::name).toList();
        EmbeddedHost host =
                LoadProgress.during(
                        "Loading " + String.join(", ", names),
                        progress,
                        () -> EmbeddedHost.start(settings, models));
        HostSession session = new HostSession(host, models);
        Runtime.getRuntime().addShutdownHook(new Thread(session::close, "greenroom-shutdown"));
        return session;
    }

    /** Says what is served and where, and that it is ready. */
    void announce(PrintWriter out, List<String> invitation) {
        out.println("Greenroom " + GreenroomVersion.current() + " serves on " + host.url());
        for (ModelDefinition model : models) {
            out.println("  " + model.name() + " from " + model.path());
            host.model(model.name())
                    .ifPresent(moe -> ModelFacts.of(moe).forEach(f -> out.println("    " + f)));
        }
        invitation.forEach(out::println);
        out.println(
                "This is the embedded host, for trying out and for tests; production belongs in"
                        + " DJL Serving.");
        out.println("Ready. Ctrl-C ends it.");
        out.flush();
    }

    EmbeddedHost host() {
        return host;
    }

    /** Returns when the host has been closed. */
    void await() throws InterruptedException {
        ended.await();
    }

    @Override
    public void close() {
        host.close();
        ended.countDown();
    }
}
