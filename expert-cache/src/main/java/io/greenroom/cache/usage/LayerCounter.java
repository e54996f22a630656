package io.greenroom.cache.usage;

/** What is counted for each layer as a whole. All only ever grow. */
public enum LayerCounter {
    /** Nanoseconds that visits waited with nothing to compute. */
    STALL_NANOS,
    /** Experts chosen for tokens that yield to residents. */
    YIELDING,
    /** Of these, experts that the router alone would not have chosen. */
    ALTERED,
    /** Of these, experts not in memory that had to be admitted. */
    FALLBACKS,
    /** The router's probabilities of the experts it would have chosen, in billionths. */
    EXACT_WEIGHT,
    /** The part of it that the experts chosen do not have, in billionths. */
    LOST_WEIGHT
}
