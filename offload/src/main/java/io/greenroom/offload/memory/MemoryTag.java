package io.greenroom.offload.memory;

/** What native memory is used for; every allocation has one, and totals are kept by tag. */
public enum MemoryTag {
    /** Slots of routed experts: the budget. */
    EXPERT_ARENA,
    /** Weights that are always resident. */
    DENSE_WEIGHTS,
    /** Keys and values of running requests. */
    KV_CACHE,
    /** Scratch of the forward pass. */
    ACTIVATIONS,
    /** Bounce buffers for reading files. */
    IO_STAGING
}
