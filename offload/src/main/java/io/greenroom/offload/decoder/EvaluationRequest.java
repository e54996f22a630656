package io.greenroom.offload.decoder;

import io.greenroom.gating.residency.RoutingDial;

/**
 * A text whose logits are wanted.
 *
 * @param tokens the text, at least one token, at most the context
 * @param promptTokens how many of them are read as a prompt, in chunks; the others follow one a
 *     step, as if the model had generated them. Residency, and so any routing but the exact one,
 *     depends on that.
 * @param routing how far tokens may yield to resident experts. The model's limit is for requests
 *     from outside and does not apply.
 */
public record EvaluationRequest(int[] tokens, int promptTokens, RoutingDial routing) {

    /**
     * @throws IllegalArgumentException if there are no tokens, or fewer than {@code promptTokens}
     */
    public EvaluationRequest {
        if (tokens.length == 0) {
            throw new IllegalArgumentException("The text is empty; it needs at least one token");
        }
        if (promptTokens < 0 || promptTokens > tokens.length) {
            throw new IllegalArgumentException(
                    "A prompt of "
                            + promptTokens
                            + " tokens cannot be the beginning of a text of "
                            + tokens.length);
        }
    }

    /** A whole text at once, with the router's own choices. */
    public static EvaluationRequest exact(int[] tokens) {
        return new EvaluationRequest(tokens, tokens.length, RoutingDial.EXACT);
    }
}
