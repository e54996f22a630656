package io.greenroom.gating;

import org.jspecify.annotations.Nullable;

/**
 * The gate of OLMoE, Qwen2-MoE, Qwen3-MoE and Mixtral: softmax over all experts' logits, the k most
 * probable experts, and their probabilities as weights, scaled to sum to 1 or as they are.
 *
 * <pre>
 * DEFINITION  p = softmax(logits)                     over all experts, float32
 *             e = indices of the k largest p          largest first, ties by lower index
 *             w = p[e]                                normalize: w = w / sum(w)
 * </pre>
 *
 * <p>The same operations in the same order as in Hugging Face Transformers ({@code
 * MixtralSparseMoeBlock}, which always normalizes, and the {@code norm_topk_prob} of {@code
 * Qwen3MoeSparseMoeBlock}, {@code Qwen2MoeSparseMoeBlock} and {@code OlmoeSparseMoeBlock}).
 */
public final class SoftmaxTopKGate implements Gate {

    private final int experts;
    private final int expertsPerToken;
    private final boolean normalize;

    /**
     * @param experts experts to choose from
     * @param expertsPerToken experts to choose, from 1 to {@code experts}
     * @param normalize whether the chosen experts' weights are scaled to sum to 1
     */
    public SoftmaxTopKGate(int experts, int expertsPerToken, boolean normalize) {
        if (expertsPerToken < 1 || expertsPerToken > experts) {
            throw new IllegalArgumentException(
                    "A gate chooses from 1 to all of its experts, got "
                            + expertsPerToken
                            + " of "
                            + experts);
        }
        this.experts = experts;
        this.expertsPerToken = expertsPerToken;
        this.normalize = normalize;
    }

    @Override
    public int experts() {
        return experts;
    }

    @Override
    public int expertsPerToken() {
        return expertsPerToken;
    }

    @Override
    public RoutingDecision route(float[] logits, int tokens, @Nullable Preference preference) {
        if (tokens < 0 || (long) tokens * experts > logits.length) {
            throw new IllegalArgumentException(
                    "Routing "
                            + tokens
                            + " tokens takes "
                            + (long) tokens * experts
                            + " logits, got "
                            + logits.length);
        }
        int[] chosen = new int[tokens * expertsPerToken];
        float[] weights = new float[tokens * expertsPerToken];
        float[] probabilities = new float[experts];
        PreferredTopK yielding =
                preference == null ? null : new PreferredTopK(experts, expertsPerToken);
        for (int token = 0; token < tokens; token++) {
            int from = token * experts;
            int bad = Softmax.probabilities(logits, from, experts, probabilities);
            if (bad >= 0) {
                throw new InvalidLogitException(token, bad, logits[from + bad]);
            }
            int row = token * expertsPerToken;
            if (preference != null && yielding != null && preference.strength(token) > 0) {
                yielding.select(
                        preference, token, probabilities, logits, from, chosen, weights, row);
            } else {
                TopK.select(probabilities, experts, expertsPerToken, chosen, weights, row);
            }
            if (normalize) {
                scaleToOne(weights, chosen, row, logits, from);
            }
        }
        return new RoutingDecision(tokens, expertsPerToken, chosen, weights);
    }

    private void scaleToOne(float[] weights, int[] chosen, int row, float[] logits, int from) {
        float sum = 0;
        for (int rank = 0; rank < expertsPerToken; rank++) {
            sum += weights[row + rank];
        }
        if (sum < Float.MIN_NORMAL) {
            // Only where a preference led far from the router's choice: probabilities too small for
            // a float. Their ratios are still known.
            softmaxOfChosen(weights, chosen, row, logits, from);
            return;
        }
        for (int rank = 0; rank < expertsPerToken; rank++) {
            weights[row + rank] /= sum;
        }
    }

    private void softmaxOfChosen(float[] weights, int[] chosen, int row, float[] logits, int from) {
        float max = Float.NEGATIVE_INFINITY;
        for (int rank = 0; rank < expertsPerToken; rank++) {
            max = Math.max(max, logits[from + chosen[row + rank]]);
        }
        float sum = 0;
        for (int rank = 0; rank < expertsPerToken; rank++) {
            float e = (float) Math.exp(logits[from + chosen[row + rank]] - max);
            weights[row + rank] = e;
            sum += e;
        }
        for (int rank = 0; rank < expertsPerToken; rank++) {
            weights[row + rank] /= sum;
        }
    }
}
