package io.greenroom.offload.decoder;

import io.greenroom.gating.residency.RoutingDial;

/**
 * How far the requests of a model yield to resident experts.
 *
 * @param standard what requests get that ask for nothing
 * @param limit the furthest any request gets; not more exact than {@code standard}
 * @param prompts whether prompts yield like what is generated, or are read exactly
 * @param swaps by what residents are exchanged in the background for requests that yield so far
 *     that they hardly read anything themselves
 */
public record RoutingSettings(
        RoutingDial standard, RoutingDial limit, boolean prompts, Swaps swaps) {

    /** Exact, whatever a request asks for. */
    public static final RoutingSettings EXACT =
            new RoutingSettings(RoutingDial.EXACT, RoutingDial.EXACT, false, Swaps.IMPORTANCE);

    /**
     * @throws IllegalArgumentException if {@code standard} goes further than {@code limit}
     */
    public RoutingSettings {
        if (standard.compareTo(limit) > 0) {
            throw new IllegalArgumentException(
                    "Option routing is "
                            + standard
                            + ", which goes further than its limit, "
                            + limit
                            + "; raise the limit or lower the routing");
        }
    }

    /** Which experts come in the background, and for which others. */
    public enum Swaps {
        /** What mattered over the last tokens, by SwapMoE's measure. */
        IMPORTANCE,
        /** What the last token or two wanted: for comparison. */
        RECENCY,
        /** None. */
        OFF
    }

    /** Whether residents are ever exchanged. */
    boolean exchanges() {
        return !limit.isExact() && swaps != Swaps.OFF;
    }

    SessionRouting of(GenerationRequest request) {
        RoutingDial asked = request.routing();
        return of(asked == null ? standard : asked.atMost(limit));
    }

    SessionRouting of(RoutingDial dial) {
        return new SessionRouting(prompts ? dial : RoutingDial.EXACT, dial);
    }
}
