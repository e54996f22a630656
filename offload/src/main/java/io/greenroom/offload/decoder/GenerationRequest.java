package io.greenroom.offload.decoder;

import java.util.Set;

/**
 * One prompt to continue.
 *
 * @param prompt token ids, at least one
 * @param maxTokens most tokens to produce, at least 1; 0 is "as many as the context holds"
 * @param sampling how tokens are drawn
 * @param endTokens ids that end the generation; empty to ignore the model's own end tokens
 */
public record GenerationRequest(
        int[] prompt, int maxTokens, SamplingParameters sampling, Set<Integer> endTokens) {

    /**
     * @throws IllegalArgumentException if the prompt is empty or {@code maxTokens} is negative
     */
    public GenerationRequest {
        if (prompt.length == 0) {
            throw new IllegalArgumentException("The prompt is empty; it needs at least one token");
        }
        if (maxTokens < 0) {
            throw new IllegalArgumentException(
                    "max_tokens is " + maxTokens + "; it must be 1 or more, or 0 for no limit");
        }
        endTokens = Set.copyOf(endTokens);
    }
}
