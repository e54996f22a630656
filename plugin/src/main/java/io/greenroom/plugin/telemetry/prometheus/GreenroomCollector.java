package io.greenroom.plugin.telemetry.prometheus;

import io.prometheus.metrics.model.registry.MultiCollector;
import io.prometheus.metrics.model.snapshots.MetricSnapshots;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Our series in a registry. Nothing is kept between scrapes. A scrape of the server must not fail
 * because of us: what goes wrong is logged, and the series are missing that once.
 */
final class GreenroomCollector implements MultiCollector {

    private static final Logger logger = LoggerFactory.getLogger(GreenroomCollector.class);

    private final Consumer<Families> source;

    /**
     * @param source adds the points of a scrape; any thread
     */
    GreenroomCollector(Consumer<Families> source) {
        this.source = source;
    }

    @Override
    public MetricSnapshots collect() {
        try {
            Families families = new Families();
            source.accept(families);
            return families.build();
        } catch (RuntimeException | LinkageError e) {
            logger.warn("Prometheus gets no series of Greenroom this time", e);
            return MetricSnapshots.of();
        }
    }

    /** Names in the registry, so that nobody registers them twice. */
    @Override
    public List<String> getPrometheusNames() {
        return Arrays.stream(Metric.values()).map(Metric::baseName).toList();
    }
}
