package io.greenroom.offload.decoder;

import io.greenroom.cache.ExpertCache;
import io.greenroom.gating.RoutingDecision;
import io.greenroom.gating.Softmax;
import io.greenroom.offload.kernel.Activations;
import java.util.Arrays;

/**
 * Tells the cache's eviction policy how likely each expert of a layer was, summed over the rows.
 * Only for policies that use it: it takes an exponential for each row and expert.
 */
final class ScoreObserver implements RoutingObserver {

    private final ExpertCache cache;
    private final float[] row; // [experts], probabilities of one row
    private final float[] scores; // [experts], their sum

    ScoreObserver(ExpertCache cache, int experts) {
        this.cache = cache;
        this.row = new float[experts];
        this.scores = new float[experts];
    }

    @Override
    public void routed(
            int layer, Batch batch, Activations input, float[] logits, RoutingDecision decision) {
        Arrays.fill(scores, 0);
        int experts = scores.length;
        for (int r = 0; r < batch.rows(); r++) {
            if (Softmax.probabilities(logits, r * experts, experts, row) < 0) {
                for (int expert = 0; expert < experts; expert++) {
                    scores[expert] += row[expert];
                }
            }
        }
        cache.observed(layer, scores);
    }

    /** What the cache was told last, {@code [experts]}; changes with the next layer. */
    float[] latest() {
        return scores;
    }
}
