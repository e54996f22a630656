package io.greenroom.offload.decoder;

/**
 * What a generation took.
 *
 * @param promptTokens tokens of the prompt
 * @param completionTokens tokens produced, without the end token
 * @param queuedNanos time between submission and the first step that included it
 * @param firstTokenNanos time between submission and the first token; 0 if there was none
 * @param totalNanos time between submission and the end
 */
public record GenerationUsage(
        int promptTokens,
        int completionTokens,
        long queuedNanos,
        long firstTokenNanos,
        long totalNanos) {}
