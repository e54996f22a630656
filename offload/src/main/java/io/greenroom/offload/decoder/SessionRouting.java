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
}
