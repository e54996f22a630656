package io.greenroom.offload.decoder;

import io.greenroom.gating.RoutingDecision;
import io.greenroom.offload.kernel.Activations;

/** Hints which experts the next layer may need. */
interface ExpertPrefetcher {

    /**
     * Called when a layer's own experts are resident or on their way, before it waits for them.
     *
     * @param input the layer's gate input, {@code [rows, hidden]}
     * @param decision what the layer's router chose
     */
    void afterDemand(Batch batch, Activations input, RoutingDecision decision);
}
