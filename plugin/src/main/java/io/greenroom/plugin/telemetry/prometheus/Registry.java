package io.greenroom.plugin.telemetry.prometheus;

import io.prometheus.metrics.expositionformats.PrometheusTextFormatWriter;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import io.prometheus.metrics.model.snapshots.MetricSnapshots;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.function.Consumer;
import java.util.function.Predicate;

/**
 * The process's Prometheus registry: the server's, where it has the library, since a plugin's class
 * loader looks there first; else the one of our own copy. Only this class and those it uses see the
 * library, so that the plugin works with a server that has another version of it.
 */
final class Registry {

    /** Of the answers that {@link #text} writes. */
    static final String CONTENT_TYPE = PrometheusTextFormatWriter.CONTENT_TYPE;

    private final PrometheusRegistry registry;

    Registry() {
        this(PrometheusRegistry.defaultRegistry);
    }

    Registry(PrometheusRegistry registry) {
        this.registry = registry;
    }

    /**
     * Adds our series.
     *
     * @return takes them out again; calling it twice is harmless
     * @throws IllegalStateException if they are there already
     */
    Runnable register(Consumer<Families> source) {
        GreenroomCollector collector = new GreenroomCollector(source);
        registry.register(collector);
        return () -> registry.unregister(collector);
    }

    /**
     * Scrapes the registry.
     *
     * @param wanted names without the endings that types bring
     * @return the text format, version 0.0.4
     */
    byte[] text(Predicate<String> wanted) {
        MetricSnapshots snapshots = registry.scrape(wanted);
        ByteArrayOutputStream text = new ByteArrayOutputStream(16 << 10);
        try {
            new PrometheusTextFormatWriter(false).write(text, snapshots);
        } catch (IOException e) {
            throw new UncheckedIOException(e); // a byte array throws none
        }
        return text.toByteArray();
    }
}
