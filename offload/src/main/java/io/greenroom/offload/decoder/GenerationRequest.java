package io.greenroom.offload.decoder;

import io.greenroom.gating.residency.RoutingDial;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * One prompt to continue.
 *
 * @param prompt token ids, at least one
 * @param maxTokens most tokens to produce, at least 1; 0 is "as many as the context holds"
 * @param sampling how tokens are drawn
 * @param endTokens ids that end the generation; empty to ignore the model's own end tokens
 * @param routing how far its tokens may yield to resident experts, at most as far as the model's
 *     limit; null for the model's own setting
 */
public record GenerationRequest(
        int[] prompt,
        int maxTokens,
        SamplingParameters sampling,
        Set<Integer> endTokens,
        @Nullable RoutingDial routing) {

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

    /** With the model's own routing. */
    public GenerationRequest(
            int[] prompt, int maxTokens, SamplingParameters sampling, Set<Integer> endTokens) {
        this(prompt, maxTokens, sampling, endTokens, null);
    }
}
