package io.greenroom.plugin.telemetry;

import io.greenroom.cache.usage.UsageSnapshot;
import java.time.Instant;

/**
 * What one model did in one interval. Sizes are bytes, times nanoseconds; counts are of the
 * interval, state is that at its end.
 *
 * @param origin whose record it is
 * @param sequence numbers the records of one loaded model from 0, so that a reader sees gaps
 * @param begin when the interval began
 * @param end when it ended
 * @param tokensIn prompt tokens processed
 * @param tokensOut tokens produced
 * @param stallNanos time decoding waited for experts
 * @param memory expert memory at the end
 * @param experts counters per layer and expert
 */
public record UsageRecord(
        Origin origin,
        long sequence,
        Instant begin,
        Instant end,
        long tokensIn,
        long tokensOut,
        long stallNanos,
        Memory memory,
        UsageSnapshot experts) {

    /** Version of what {@link UsageJson} writes. */
    public static final int SCHEMA = 1;

    /**
     * Whose record it is.
     *
     * @param model the name clients use
     * @param fingerprint of the checkpoint: the same weights have the same
     * @param host name of the machine or container
     * @param instance of the loaded model, different after each load
     */
    public record Origin(String model, String fingerprint, String host, String instance) {}

    /**
     * Expert memory.
     *
     * @param budgetBytes what experts may take
     * @param residentBytes what resident experts take, in whole slots
     * @param slots experts that fit
     * @param residentExperts experts in memory
     * @param totalExperts experts of the model
     */
    public record Memory(
            long budgetBytes,
            long residentBytes,
            int slots,
            int residentExperts,
            int totalExperts) {}
}
