package io.greenroom.plugin.telemetry.prometheus;

import io.greenroom.cache.usage.TimeCounts;
import io.prometheus.metrics.model.snapshots.ClassicHistogramBuckets;
import io.prometheus.metrics.model.snapshots.CounterSnapshot;
import io.prometheus.metrics.model.snapshots.CounterSnapshot.CounterDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot.GaugeDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.HistogramSnapshot;
import io.prometheus.metrics.model.snapshots.HistogramSnapshot.HistogramDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.InfoSnapshot;
import io.prometheus.metrics.model.snapshots.InfoSnapshot.InfoDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.Labels;
import io.prometheus.metrics.model.snapshots.MetricSnapshots;
import java.util.EnumMap;
import java.util.Map;

/** Collects the points of one scrape, metric by metric. Used by one thread. */
final class Families {

    private final Map<Metric, CounterSnapshot.Builder> counters = new EnumMap<>(Metric.class);
    private final Map<Metric, GaugeSnapshot.Builder> gauges = new EnumMap<>(Metric.class);
    private final Map<Metric, HistogramSnapshot.Builder> histograms = new EnumMap<>(Metric.class);
    private final Map<Metric, InfoSnapshot.Builder> infos = new EnumMap<>(Metric.class);

    /** All metrics, yet without points; those that get none are not written. */
    Families() {
        for (Metric metric : Metric.values()) {
            switch (metric.type()) {
                case COUNTER ->
                        counters.put(
                                metric,
                                CounterSnapshot.builder()
                                        .name(metric.baseName())
                                        .help(metric.help()));
                case GAUGE ->
                        gauges.put(
                                metric,
                                GaugeSnapshot.builder()
                                        .name(metric.baseName())
                                        .help(metric.help()));
                case HISTOGRAM ->
                        histograms.put(
                                metric,
                                HistogramSnapshot.builder()
                                        .name(metric.baseName())
                                        .help(metric.help()));
                case INFO ->
                        infos.put(
                                metric,
                                InfoSnapshot.builder().name(metric.baseName()).help(metric.help()));
            }
        }
    }

    /**
     * Adds a point of a counter or a gauge.
     *
     * @param labelValues one for each of the metric's labels
     */
    void add(Metric metric, double value, String... labelValues) {
        Labels labels = labels(metric, labelValues);
        CounterSnapshot.Builder counter = counters.get(metric);
        GaugeSnapshot.Builder gauge = gauges.get(metric);
        if (counter != null) {
            counter.dataPoint(
                    CounterDataPointSnapshot.builder().labels(labels).value(value).build());
        } else if (gauge != null) {
            gauge.dataPoint(GaugeDataPointSnapshot.builder().labels(labels).value(value).build());
        } else {
            throw new IllegalArgumentException(metric + " is neither a counter nor a gauge");
        }
    }

    /** Adds a point of a histogram. */
    void add(Metric metric, TimeCounts times, String... labelValues) {
        HistogramSnapshot.Builder histogram = histograms.get(metric);
        if (histogram == null) {
            throw new IllegalArgumentException(metric + " is no histogram");
        }
        ClassicHistogramBuckets.Builder buckets = ClassicHistogramBuckets.builder();
        for (int i = 0; i < times.buckets(); i++) {
            buckets.bucket(times.boundSeconds(i), times.count(i));
        }
        histogram.dataPoint(
                HistogramDataPointSnapshot.builder()
                        .labels(labels(metric, labelValues))
                        .classicHistogramBuckets(buckets.build())
                        .sum(times.sumNanos() / 1e9)
                        .build());
    }

    /** Adds a point of what only labels say. */
    void addInfo(Metric metric, String... labelValues) {
        InfoSnapshot.Builder info = infos.get(metric);
        if (info == null) {
            throw new IllegalArgumentException(metric + " is not of type info");
        }
        info.dataPoint(InfoDataPointSnapshot.builder().labels(labels(metric, labelValues)).build());
    }

    private static Labels labels(Metric metric, String... values) {
        return Labels.of(metric.labels().toArray(String[]::new), values);
    }

    MetricSnapshots build() {
        MetricSnapshots.Builder all = MetricSnapshots.builder();
        counters.values().forEach(family -> all.metricSnapshot(family.build()));
        gauges.values().forEach(family -> all.metricSnapshot(family.build()));
        histograms.values().forEach(family -> all.metricSnapshot(family.build()));
        infos.values().forEach(family -> all.metricSnapshot(family.build()));
        return all.build();
    }
}
