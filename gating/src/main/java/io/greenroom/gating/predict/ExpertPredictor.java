package io.greenroom.gating.predict;

import io.greenroom.cache.ExpertId;
import java.util.function.Predicate;

/**
 * Guesses which experts a layer ahead will be asked for. What it says is a hint: it decides what is
 * read early, never what is computed. Thread-safe.
 */
@FunctionalInterface
public interface ExpertPredictor {

    /**
     * Makes a plan for one layer ahead and one batch.
     *
     * @param layer the layer ahead
     * @param logits {@code [tokens, experts]} row-major, that layer's router matrix applied to the
     *     gate input of a layer before it
     * @param resident experts that need no reading
     * @param width most hints wanted
     */
    PrefetchPlan predict(
            int layer, float[] logits, int tokens, Predicate<ExpertId> resident, int width);
}
