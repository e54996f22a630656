package io.greenroom.offload.decoder;

import io.greenroom.gating.precision.PrecisionCost;
import io.greenroom.gating.residency.RoutingCost;
import io.greenroom.gating.residency.RoutingDial;

/**
 * What a generation took.
 *
 * @param promptTokens tokens of the prompt
 * @param completionTokens tokens produced, without the end token
 * @param queuedNanos time between submission and the first step that included it
 * @param firstTokenNanos time between submission and the first token; 0 if there was none
 * @param totalNanos time between submission and the end
 * @param routing how far its routing was allowed to yield to resident experts
 * @param routingCost what that came to
 * @param precisionCost what mixed precision changed; all zeros where it is off
 */
public record GenerationUsage(
        int promptTokens,
        int completionTokens,
        long queuedNanos,
        long firstTokenNanos,
        long totalNanos,
        RoutingDial routing,
        RoutingCost routingCost,
        PrecisionCost precisionCost) {

    /** In full precision. */
    public GenerationUsage(
            int promptTokens,
            int completionTokens,
            long queuedNanos,
            long firstTokenNanos,
            long totalNanos,
            RoutingDial routing,
            RoutingCost routingCost) {
        this(
                promptTokens,
                completionTokens,
                queuedNanos,
                firstTokenNanos,
                totalNanos,
                routing,
                routingCost,
                PrecisionCost.NONE);
    }

    /** With exact routing, in full precision. */
    public GenerationUsage(
            int promptTokens,
            int completionTokens,
            long queuedNanos,
            long firstTokenNanos,
            long totalNanos) {
        this(
                promptTokens,
                completionTokens,
                queuedNanos,
                firstTokenNanos,
                totalNanos,
                RoutingDial.EXACT,
                RoutingCost.NONE);
    }
}
