package io.greenroom.gating;

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
    public RoutingDecision route(float[] logits, int tokens) {
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
        for (int token = 0; token < tokens; token++) {
            int from = token * experts;
            int bad = Softmax.probabilities(logits, from, experts, probabilities);
            if (bad >= 0) {
                throw new InvalidLogitException(token, bad, logits[from + bad]);
            }
            int row = token * expertsPerToken;
            TopK.select(probabilities, experts, expertsPerToken, chosen, weights, row);
            if (normalize) {
                scaleToOne(weights, row);
            }
        }
        return new RoutingDecision(tokens, expertsPerToken, chosen, weights);
    }

    private void scaleToOne(float[] weights, int row) {
        float sum = 0;
        for (int rank = 0; rank < expertsPerToken; rank++) {
            sum += weights[row + rank];
        }
        for (int rank = 0; rank < expertsPerToken; rank++) {
            weights[row + rank] /= sum;
        }
    }
}
