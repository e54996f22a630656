package io.greenroom.cache.usage;

/** What is counted for each expert. All only ever grow. */
public enum ExpertCounter {
    /** Tokens the router sent to it. */
    ROUTED,
    /** Visits that found it resident. */
    HITS,
    /** Visits that did not. */
    MISSES,
    /** Times it was read because of a hint and resident when a visit asked for it. */
    PREFETCH_USEFUL,
    /** Times it was read because of a hint and still on its way when a visit asked for it. */
    PREFETCH_LATE,
    /** Times it was read because of a hint and left before a visit asked for it. */
    PREFETCH_WASTED,
    /** Times its read for a hint was called off before it was there. */
    PREFETCH_CANCELLED,
    /** Reads completed, whoever asked for them. */
    LOADS,
    /** Bytes those reads brought in. */
    BYTES_READ
}
