package io.greenroom.gating;

import org.jspecify.annotations.Nullable;

/** Turns router logits into a routing decision, by the rule of one model family. Stateless. */
public interface Gate {

    int experts();

    int expertsPerToken();

    /**
     * Routes a batch exactly as the model's router says.
     *
     * @param logits {@code [tokens, experts()]} row-major, the router matrix applied to the gate
     *     input
     */
    default RoutingDecision route(float[] logits, int tokens) {
        return route(logits, tokens, null);
    }

    /**
     * Routes a batch some of whose tokens may yield to a preference. A token's route depends on its
     * own logits, its own strength and what is preferred, and not on the rest of the batch; with
     * strength 0 it is the exact one, bit for bit. Weights are always the router's own
     * probabilities of the experts chosen, scaled as the family does it.
     *
     * @param logits {@code [tokens, experts()]} row-major
     * @param preference null for none
     */
    RoutingDecision route(float[] logits, int tokens, @Nullable Preference preference);
}
