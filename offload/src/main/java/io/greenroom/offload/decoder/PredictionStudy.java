package io.greenroom.offload.decoder;

import io.greenroom.gating.predict.ActivationMatrices;
import io.greenroom.gating.predict.Popularity;
import io.greenroom.gating.predict.PreviousTokens;
import io.greenroom.gating.predict.RecallTally;
import io.greenroom.gating.predict.RoutingForecaster;
import io.greenroom.gating.predict.SameToken;
import io.greenroom.gating.predict.TransitionTable;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Compares predictors on a loaded model while it reads a text: every variant of the cross-layer
 * gate, and its rivals, foresee every layer of every token, and are held against what the routers
 * then chose and what the cache then lacked. Nothing it does shows in the model's output.
 *
 * <p>It watches steps of a single token, as decoding has them, and lets others pass. Give it to
 * {@link MoeModels#loadWatched(io.greenroom.offload.store.Checkpoint, ModelOptions,
 * PredictionStudy, io.greenroom.offload.store.DenseLoader.Progress)}, then evaluate texts with no
 * prompt. To be configured and read while the model is idle.
 */
public final class PredictionStudy {

    /** What is done with the tokens read. */
    public enum Phase {
        /** Means of the stream are taken; rivals learn. */
        CALIBRATE,
        /** Predictions are counted; rivals go on learning. */
        MEASURE
    }

    /**
     * One predictor's figures.
     *
     * @param predictor its name
     * @param ahead layers it looks ahead
     * @param layers one entry per layer of the model
     */
    public record Result(String predictor, int ahead, List<RecallTally.Layer> layers) {

        /** All layers but the first together: the first is foreseen from other things. */
        public RecallTally.Layer total() {
            RecallTally.Layer total = RecallTally.Layer.NONE;
            for (RecallTally.Layer layer : layers.subList(1, layers.size())) {
                total = total.plus(layer);
            }
            return total;
        }
    }

    /** Kept by the activation-matrix rival; MoE-Infinity found little use in more than some 100. */
    private static final int MATRICES = 128;

    private static final double POPULARITY_HALF_LIFE = 256;

    private final Set<GateVariant> variants;
    private final Set<String> rivalNames;
    private final int farthest;
    private volatile Phase phase = Phase.CALIBRATE;
    private volatile @Nullable StudyObserver observer;

    /**
     * @param variants of the cross-layer gate
     * @param rivals names from {@link #RIVALS}
     * @param farthest how many layers to look ahead, from 1
     */
    public PredictionStudy(Set<GateVariant> variants, Set<String> rivals, int farthest) {
        if (farthest < 1) {
            throw new IllegalArgumentException(
                    "A prediction looks ahead 1 or more, got " + farthest);
        }
        if (!RIVALS.containsAll(rivals)) {
            throw new IllegalArgumentException(
                    "Rivals are " + String.join(", ", RIVALS) + "; got " + rivals);
        }
        this.variants = Set.copyOf(variants);
        this.rivalNames = Set.copyOf(rivals);
        this.farthest = farthest;
    }

    /** Predictors that look at past choices only. */
    public static final Set<String> RIVALS =
            Set.of("popularity", "previous-token", "transitions", "matrices", "same-token");

    /** What to do with the tokens that follow. */
    public void phase(Phase next) {
        phase = next;
    }

    Phase phase() {
        return phase;
    }

    Set<GateVariant> variants() {
        return variants;
    }

    int farthest() {
        return farthest;
    }

    /** The rivals for looking so far ahead, by name; only those asked for. */
    Map<String, RoutingForecaster> rivals(int layers, int experts, int ahead) {
        Map<String, Supplier<RoutingForecaster>> all = new LinkedHashMap<>();
        all.put("popularity", () -> new Popularity(layers, experts, POPULARITY_HALF_LIFE));
        all.put("previous-token", () -> new PreviousTokens(layers, experts));
        all.put("transitions", () -> new TransitionTable(layers, experts, ahead));
        all.put("matrices", () -> new ActivationMatrices(layers, experts, MATRICES));
        all.put("same-token", () -> new SameToken(layers, layers, experts));
        Map<String, RoutingForecaster> rivals = new LinkedHashMap<>();
        all.forEach(
                (name, make) -> {
                    if (rivalNames.contains(name)) {
                        rivals.put(name, make.get());
                    }
                });
        return rivals;
    }

    RoutingObserver attach(StudyObserver attached) {
        if (observer != null) {
            throw new IllegalStateException("A study watches one model");
        }
        observer = attached;
        return attached;
    }

    /** What each predictor foresaw, in the order of {@link GateVariant}, then the rivals. */
    public List<Result> results() {
        return new ArrayList<>(attached().results());
    }

    /**
     * The gate applied to its own layer's input, which must find everything: if it does not, the
     * study measures something else than what the model does.
     */
    public List<RecallTally.Layer> control() {
        return attached().control();
    }

    /** What the routing looked like while measuring. */
    public RoutingProfile profile() {
        return attached().profile();
    }

    private StudyObserver attached() {
        StudyObserver attached = observer;
        if (attached == null) {
            throw new IllegalStateException("The study was not given to a model");
        }
        return attached;
    }
}
