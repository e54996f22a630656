package io.greenroom.gating;

/**
 * What a layer's router decided for a batch of tokens.
 *
 * <p>Arrays are owned by the decision and must not be changed by readers.
 *
 * @param tokens number of tokens, {@code T}
 * @param expertsPerToken experts each token goes to, {@code k}
 * @param experts {@code [T, k]} row-major; in each row from the largest router probability to the
 *     smallest, ties by lower index
 * @param weights {@code [T, k]} factor of each expert's output in the layer's sum
 */
public record RoutingDecision(int tokens, int expertsPerToken, int[] experts, float[] weights) {

    public RoutingDecision {
        long size = (long) tokens * expertsPerToken;
        if (tokens < 0 || expertsPerToken < 1 || experts.length != size || weights.length != size) {
            throw new IllegalArgumentException(
                    "A decision for "
                            + tokens
                            + " tokens and "
                            + expertsPerToken
                            + " experts each cannot have "
                            + experts.length
                            + " experts and "
                            + weights.length
                            + " weights");
        }
    }

    public int expert(int token, int rank) {
        return experts[token * expertsPerToken + rank];
    }

    public float weight(int token, int rank) {
        return weights[token * expertsPerToken + rank];
    }
}
