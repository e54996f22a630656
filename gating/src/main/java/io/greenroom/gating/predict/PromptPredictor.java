package io.greenroom.gating.predict;

import io.greenroom.cache.ExpertId;
import io.greenroom.gating.RoutingDecision;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;

/**
 * Foresees which experts many tokens together will need, from how often each was chosen lately: a
 * prompt's chunk asks for nearly all of a layer's, so what has to be known is which it might not.
 *
 * <pre>
 * DEFINITION  share[e] = tokens that chose e / tokens, both decaying
 *             p[e]     = 1 - (1 - share[e])^rows
 *             plan     = experts that are not resident with p at least 1/2, by p; first `width`
 * </pre>
 *
 * <p>Used by one thread.
 */
public final class PromptPredictor {

    private static final double LEAST = 0.5;
    private static final int HALF_LIFE_TOKENS = 2048;

    private final float[][] chosen; // [layers][experts]
    private final float[] tokens; // [layers]

    /**
     * @param layers layers of the model
     * @param experts experts per layer
     */
    public PromptPredictor(int layers, int experts) {
        chosen = new float[layers][experts];
        tokens = new float[layers];
    }

    /** Learns what a layer's router decided. */
    public void routed(int layer, RoutingDecision decision) {
        float[] counts = chosen[layer];
        for (int expert : decision.experts()) {
            counts[expert]++;
        }
        tokens[layer] += decision.tokens();
        if (tokens[layer] > 2 * HALF_LIFE_TOKENS) {
            tokens[layer] /= 2;
            for (int i = 0; i < counts.length; i++) {
                counts[i] /= 2;
            }
        }
    }

    /**
     * What a batch will ask of a layer.
     *
     * @param rows tokens of the batch
     * @param resident experts that need no reading
     * @param width most hints wanted
     */
    public PrefetchPlan predict(int layer, int rows, Predicate<ExpertId> resident, int width) {
        if (width < 1 || tokens[layer] == 0) {
            return PrefetchPlan.NOTHING;
        }
        List<PrefetchHint> hints = new ArrayList<>();
        for (int expert = 0; expert < chosen[layer].length; expert++) {
            double share = Math.min(1, chosen[layer][expert] / tokens[layer]);
            double p = 1 - Math.pow(1 - share, rows);
            if (p >= LEAST) {
                ExpertId id = new ExpertId(layer, expert);
                if (!resident.test(id)) {
                    hints.add(new PrefetchHint(id, (float) p));
                }
            }
        }
        // The sort is stable: equals stay in order of their index.
        hints.sort((a, b) -> Float.compare(b.probability(), a.probability()));
        return new PrefetchPlan(hints.subList(0, Math.min(width, hints.size())));
    }
}
