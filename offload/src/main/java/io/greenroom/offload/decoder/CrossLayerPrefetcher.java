package io.greenroom.offload.decoder;

import io.greenroom.cache.CacheStats;
import io.greenroom.cache.ExpertCache;
import io.greenroom.gating.RoutingDecision;
import io.greenroom.gating.predict.ExpertPredictor;
import io.greenroom.gating.predict.PredictionStats;
import io.greenroom.gating.predict.PrefetchAudit;
import io.greenroom.gating.predict.PrefetchHint;
import io.greenroom.offload.kernel.Activations;
import io.greenroom.offload.kernel.Kernels;
import io.greenroom.offload.kernel.WeightMatrix;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Reads ahead: applies the next layer's router to this layer's gate input and hints what it chooses
 * to the cache, while this layer's own experts are computed. Hints decide what is read early and
 * nothing else, so they cannot show in the output.
 *
 * <p>Only small batches are predicted. A prompt's chunk needs almost every expert anyway.
 *
 * <p>Used by the scheduler's thread; {@link #report} by any.
 */
final class CrossLayerPrefetcher {

    private final @Nullable WeightMatrix[] routers; // [layers], null for dense layers
    private final ExpertPredictor predictor;
    private final ExpertCache cache;
    private final Kernels kernels;
    private final Activations predicted; // [most rows predicted, experts]
    private final float[] logits; // the same, outside native memory
    private final int width;
    private final int totalExperts;
    private final @Nullable PrefetchAudit audit;
    private final PredictionStats stats;
    private RoutingObserver observer = RoutingObserver.all(List.of());
    private boolean active = true;
    private int predictedLayer = -1;
    private int predictedRows;

    /**
     * @param routers router of each layer, null where there is none
     * @param predicted scratch; its rows are the largest batch that is predicted
     * @param width most hints for one layer
     * @param totalExperts routed experts of the model
     * @param audit switches prefetch off while it does not pay, or null to leave it on
     */
    CrossLayerPrefetcher(
            @Nullable WeightMatrix[] routers,
            ExpertPredictor predictor,
            ExpertCache cache,
            Kernels kernels,
            Activations predicted,
            int width,
            int totalExperts,
            @Nullable PrefetchAudit audit) {
        this.routers = routers;
        this.predictor = predictor;
        this.cache = cache;
        this.kernels = kernels;
        this.predicted = predicted;
        this.logits = new float[predicted.rows() * predicted.cols()];
        this.width = width;
        this.totalExperts = totalExperts;
        this.audit = audit;
        this.stats = new PredictionStats(routers.length, predicted.cols());
    }

    /**
     * What prefetch is doing and why.
     *
     * @param on whether it reads ahead now
     * @param reason why, for operators
     * @param recall how many of the chosen experts it had foreseen, all layers together
     */
    record Report(boolean on, String reason, PredictionStats.Recall recall) {}

    Report report() {
        return new Report(
                audit == null || audit.isOn(),
                audit == null ? "on: as configured" : audit.reason(),
                stats.total());
    }

    /** From now on, who is told each guess. */
    void tell(RoutingObserver told) {
        observer = told;
    }

    /** Compares what was foreseen for a layer with what its router chose. */
    void routed(int layer, RoutingDecision decision) {
        if (predictedLayer == layer && predictedRows == decision.tokens()) {
            stats.record(layer, logits, decision);
        }
        predictedLayer = -1;
    }

    /**
     * Hints for the layer after this one. Called when this layer's own experts are resident or on
     * their way.
     *
     * @param input gate input of {@code layer}, {@code [rows, hidden]}
     */
    void afterDemand(int layer, Activations input, int rows) {
        int next = layer + 1;
        if (!active || rows > predicted.rows() || next == routers.length) {
            return;
        }
        WeightMatrix router = routers[next];
        if (router == null) {
            return;
        }
        kernels.matmul(router, input, rows, null, predicted);
        kernels.read(predicted, rows, logits);
        observer.foreseen(next, rows, logits);
        predictedLayer = next;
        predictedRows = rows;
        for (PrefetchHint hint :
                predictor.predict(next, logits, rows, cache::isResident, width).hints()) {
            cache.prefetch(hint.id());
        }
    }

    /** Called after each step: is it worth going on? */
    void stepDone() {
        CacheStats now = cache.stats();
        boolean allResident = now.loads() - now.evictions() >= totalExperts;
        active = (audit == null || audit.step(now)) && !allResident;
    }
}
