package io.greenroom.gating.precision;

/** In which form an expert takes part in a step. */
public enum Precision {
    FULL,
    COPY,
    /** Not at all. */
    SKIPPED
}
