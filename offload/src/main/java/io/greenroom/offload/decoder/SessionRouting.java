package io.greenroom.offload.decoder;

import io.greenroom.gating.residency.RoutingDial;

/**
 * How far the tokens of one request yield to resident experts.
 *
 * @param prompt the prompt's
 * @param output those that are generated
 */
record SessionRouting(RoutingDial prompt, RoutingDial output) {

    static final SessionRouting EXACT = new SessionRouting(RoutingDial.EXACT, RoutingDial.EXACT);

    /**
     * Misses renew a resident set as long as there are enough of them. Measured on the demo model
     * at a third of its experts: with a bias of 0.15 or 0.3 exchanges in the background read more
     * than they save; from 0.5 on they pay, in perplexity and in reads (docs/quality.md).
     */
    private static final RoutingDial RENEWED_FROM = new RoutingDial(0.5);

    /** Whether the request misses so little that residents must be renewed for it. */
    boolean renews() {
        return output.compareTo(RENEWED_FROM) >= 0;
    }
}
