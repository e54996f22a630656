package io.greenroom.plugin.telemetry.prometheus;

import io.greenroom.cache.CacheStats;
import io.greenroom.cache.usage.ExpertCounter;
import io.greenroom.cache.usage.LayerCounter;
import io.greenroom.cache.usage.UsageSnapshot;
import io.greenroom.gating.precision.PrecisionCost;
import io.greenroom.gating.residency.RoutingCost;
import io.greenroom.offload.decoder.FinishReason;
import io.greenroom.offload.decoder.MeterReadings;
import io.greenroom.offload.decoder.MoeModel;
import java.util.Arrays;
import java.util.Locale;
import java.util.Map;

/** The series of one model, read from it now. */
final class ModelSeries {

    /** Layers with series of their own; what further ones count is added up. */
    static final int MAX_LAYERS = 256;

    /** Label of the layers beyond those. */
    static final String OTHER_LAYERS = "rest";

    private static final Map<Metric, ExpertCounter> PER_LAYER =
            Map.of(
                    Metric.ROUTED,
                    ExpertCounter.ROUTED,
                    Metric.HITS,
                    ExpertCounter.HITS,
                    Metric.MISSES,
                    ExpertCounter.MISSES,
                    Metric.READS,
                    ExpertCounter.LOADS,
                    Metric.READ_BYTES,
                    ExpertCounter.BYTES_READ,
                    Metric.PREFETCH_USEFUL,
                    ExpertCounter.PREFETCH_USEFUL,
                    Metric.PREFETCH_LATE,
                    ExpertCounter.PREFETCH_LATE,
                    Metric.PREFETCH_WASTED,
                    ExpertCounter.PREFETCH_WASTED,
                    Metric.PREFETCH_CALLED_OFF,
                    ExpertCounter.PREFETCH_CANCELLED);

    private final String name;
    private final Families into;

    private ModelSeries(String name, Families into) {
        this.name = name;
        this.into = into;
    }

    /**
     * Reads a model.
     *
     * @param name its label
     */
    static void read(String name, MoeModel model, Families into) {
        // Everything is asked before anything is added: a model that closes leaves no half of it.
        MoeModel.Status status = model.status();
        MeterReadings meters = model.meters();
        UsageSnapshot usage = model.usage();
        RoutingCost routing = model.routing().cost();
        boolean prefetching = model.prefetch().on();
        ModelSeries series = new ModelSeries(name, into);
        series.requests(status, meters);
        series.memory(status, meters);
        series.experts(status.cache(), meters, prefetching);
        series.layers(usage, meters.evictions());
        series.add(Metric.YIELDING, routing.selections());
        series.add(Metric.ALTERED, routing.altered());
        PrecisionCost mixed =
                model.mixedPrecision().map(MoeModel.MixedStatus::cost).orElse(PrecisionCost.NONE);
        series.add(Metric.COPIES, mixed.copies());
        series.add(Metric.SKIPPED, mixed.skipped());
    }

    private void add(Metric metric, double value) {
        into.add(metric, value, name);
    }

    private void requests(MoeModel.Status status, MeterReadings meters) {
        add(Metric.TOKENS_IN, status.tokensIn());
        add(Metric.TOKENS_OUT, status.tokensOut());
        add(Metric.REQUESTS_RUNNING, status.running());
        add(Metric.REQUESTS_QUEUED, status.queued());
        for (FinishReason reason : FinishReason.values()) {
            into.add(
                    Metric.REQUESTS,
                    meters.ended().getOrDefault(reason, 0L),
                    name,
                    reason.name().toLowerCase(Locale.ROOT));
        }
        into.add(Metric.REQUESTS, meters.rejected(), name, "rejected");
        into.add(Metric.QUEUE, meters.queue(), name);
        into.add(Metric.FIRST_TOKEN, meters.firstToken(), name);
        into.add(Metric.BETWEEN_TOKENS, meters.betweenTokens(), name);
    }

    private void memory(MoeModel.Status status, MeterReadings meters) {
        add(Metric.BUDGET_BYTES, status.budgetBytes());
        add(Metric.RESIDENT_BYTES, (double) status.slotBytes() * status.residentExperts());
        add(Metric.SLOTS, status.slots());
        add(Metric.RESIDENT, status.residentExperts());
        add(Metric.EXPERTS, status.totalExperts());
        add(Metric.DENSE_BYTES, status.denseBytes());
        add(Metric.KV_BYTES, status.kvBytes());
        add(Metric.KV_USED_BYTES, meters.kvBytesUsed(status.kvBytes()));
    }

    private void experts(CacheStats cache, MeterReadings meters, boolean prefetching) {
        add(Metric.READ_FAILURES, cache.loadFailures());
        into.add(Metric.READ_TIME, meters.expertRead(), name);
        into.add(Metric.STEP_STALL, meters.stepStall(), name);
        add(Metric.PREFETCH_ON, prefetching ? 1 : 0);
        add(Metric.PREFETCH_ISSUED, cache.prefetchIssued());
    }

    private void layers(UsageSnapshot usage, long[] evictions) {
        PER_LAYER.forEach(
                (metric, counter) -> {
                    long[] byLayer = new long[usage.layers()];
                    Arrays.setAll(byLayer, layer -> usage.sum(counter, layer));
                    layers(metric, byLayer, 1);
                });
        layers(Metric.EVICTIONS, evictions, 1);
        long[] stalls = new long[usage.layers()];
        Arrays.setAll(stalls, layer -> usage.get(LayerCounter.STALL_NANOS, layer));
        layers(Metric.STALL, stalls, 1e9);
    }

    /**
     * @param unit what is counted in one of the metric's units
     */
    private void layers(Metric metric, long[] byLayer, double unit) {
        for (int layer = 0; layer < Math.min(byLayer.length, MAX_LAYERS); layer++) {
            into.add(metric, byLayer[layer] / unit, name, Integer.toString(layer));
        }
        if (byLayer.length > MAX_LAYERS) {
            long rest = Arrays.stream(byLayer, MAX_LAYERS, byLayer.length).sum();
            into.add(metric, rest / unit, name, OTHER_LAYERS);
        }
    }
}
