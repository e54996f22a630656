package io.greenroom.gating;

/** Turns router logits into a routing decision, by the rule of one model family. Stateless. */
public interface Gate {

    int experts();

    int expertsPerToken();

    /**
     * Routes a batch.
     *
     * @param logits {@code [tokens, experts()]} row-major, the router matrix applied to the gate
     *     input
     */
    RoutingDecision route(float[] logits, int tokens);
}
