package io.greenroom.offload.decoder;

import io.greenroom.offload.kernel.Activations;
import io.greenroom.offload.kernel.WeightMatrix;
import org.jspecify.annotations.Nullable;

/** Resident weights of one layer's second half: a dense block, or a router over experts. */
sealed interface FeedForwardWeights {

    /** Norm before the block, {@code [1, hidden]}. */
    Activations norm();

    /**
     * The three matrices of a gated block.
     *
     * @param gate {@code [inner, hidden]}
     * @param up {@code [inner, hidden]}
     * @param down {@code [hidden, inner]}
     */
    record Block(WeightMatrix gate, WeightMatrix up, WeightMatrix down) {}

    /**
     * An ordinary feed-forward block.
     *
     * @param norm norm before the block
     * @param block its matrices
     */
    record Dense(Activations norm, Block block) implements FeedForwardWeights {}

    /**
     * A router; its experts are on disk.
     *
     * @param norm norm before the router
     * @param router {@code [experts, hidden]}
     * @param shared the expert every token visits, or null
     */
    record Routed(Activations norm, WeightMatrix router, @Nullable Shared shared)
            implements FeedForwardWeights {}

    /**
     * A shared expert (Qwen2-MoE).
     *
     * @param block its matrices
     * @param gate {@code [1, hidden]}, how much of its output a token takes
     */
    record Shared(Block block, WeightMatrix gate) {}
}
