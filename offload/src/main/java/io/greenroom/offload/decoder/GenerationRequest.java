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
        int[] prompt, int maxTokens, SamplingParameters sampling, Set<Integer> endTokens) {}
