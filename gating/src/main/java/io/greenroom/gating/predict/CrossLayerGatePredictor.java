package io.greenroom.gating.predict;

import io.greenroom.cache.ExpertId;
import io.greenroom.gating.Softmax;
import io.greenroom.gating.TopK;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;

/**
 * Predicts with the next layer's own router, applied to this layer's gate input: consecutive layers
 * change the residual stream little, so it mostly sees what the router will see (Fate, "Fast Edge
 * Inference of Mixture-of-Experts Models via Cross-Layer Gate", arXiv 2502.12224).
 *
 * <pre>
 * DEFINITION  p[t] = softmax(logits[t])
 *             candidates = union over tokens t of the `candidatesPerToken` most probable experts
 *             score[e] = max or mean over tokens t of p[t, e]
 *             plan = candidates that are not resident, by score, ties by lower index; first `width`
 * </pre>
 *
 * <p>A token whose logits are not numbers is left out: the layer's real gate will say so if it is
 * still true then.
 */
public final class CrossLayerGatePredictor implements ExpertPredictor {

    /** How the probabilities that a batch's tokens give to an expert become one. */
    public enum Across {
        /** The most eager token decides: good where each stream should wait as little. */
        MAX,
        /** The expected share of tokens: good where reads are scarce. */
        MEAN
    }

    private final int experts;
    private final int candidatesPerToken;
    private final Across across;

    /**
     * @param experts experts per layer
     * @param candidatesPerToken how far down each token's ranking to look: k, or more to catch what
     *     the prediction ranks just too low
     */
    public CrossLayerGatePredictor(int experts, int candidatesPerToken, Across across) {
        if (candidatesPerToken < 1 || candidatesPerToken > experts) {
            throw new IllegalArgumentException(
                    "A predictor looks at 1 to all experts of a token, got "
                            + candidatesPerToken
                            + " of "
                            + experts);
        }
        this.experts = experts;
        this.candidatesPerToken = candidatesPerToken;
        this.across = across;
    }

    @Override
    public PrefetchPlan predict(
            int layer, float[] logits, int tokens, Predicate<ExpertId> resident, int width) {
        if (tokens < 0 || (long) tokens * experts > logits.length) {
            throw new IllegalArgumentException(
                    "Predicting for "
                            + tokens
                            + " tokens takes "
                            + (long) tokens * experts
                            + " logits, got "
                            + logits.length);
        }
        float[] scores = new float[experts];
        boolean[] candidate = new boolean[experts];
        float[] probabilities = new float[experts];
        int[] best = new int[candidatesPerToken];
        float[] ignored = new float[candidatesPerToken];
        for (int token = 0; token < tokens; token++) {
            if (Softmax.probabilities(logits, token * experts, experts, probabilities) < 0) {
                TopK.select(probabilities, experts, candidatesPerToken, best, ignored, 0);
                for (int expert : best) {
                    candidate[expert] = true;
                }
                addScores(probabilities, scores);
            }
        }
        List<PrefetchHint> hints = new ArrayList<>();
        for (int expert = 0; expert < experts; expert++) {
            if (candidate[expert]) {
                ExpertId id = new ExpertId(layer, expert);
                if (!resident.test(id)) {
                    float score = across == Across.MEAN ? scores[expert] / tokens : scores[expert];
                    hints.add(new PrefetchHint(id, score));
                }
            }
        }
        // The sort is stable: equal probabilities stay in order of their index.
        hints.sort((a, b) -> Float.compare(b.probability(), a.probability()));
        return new PrefetchPlan(hints.subList(0, Math.min(Math.max(width, 0), hints.size())));
    }

    private void addScores(float[] probabilities, float[] scores) {
        for (int expert = 0; expert < experts; expert++) {
            scores[expert] =
                    across == Across.MEAN
                            ? scores[expert] + probabilities[expert]
                            : Math.max(scores[expert], probabilities[expert]);
        }
    }
}
