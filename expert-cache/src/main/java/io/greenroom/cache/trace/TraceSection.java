package io.greenroom.cache.trace;

/** What a trace may hold besides who was chosen. The order is that of the flags in the file. */
public enum TraceSection {
    /** The router's probabilities of the top set, in steps of 1/65535. */
    PROBABILITIES,
    /** Norm of each row's gate input, to 0.14 % of its value. */
    NORMS,
    /** Cosine of a row's gate input with that of the MoE layer before, in steps of 1/32767. */
    SIMILARITIES,
    /** What the cross-layer gate had foreseen for a layer, in the steps where it was asked. */
    PREDICTIONS;

    int flag() {
        return 1 << ordinal();
    }
}
