package io.greenroom.plugin.telemetry;

import io.greenroom.cache.usage.ExpertCounter;
import io.greenroom.cache.usage.LayerCounter;
import io.greenroom.cache.usage.UsageSnapshot;
import java.time.Instant;
import java.util.List;

/**
 * What one model did in one interval. Sizes are bytes, times nanoseconds; counts are of the
 * interval, state is that at its end.
 *
 * @param origin whose record it is
 * @param sequence numbers the reports of one loaded model from 0; of a sum, that of the last one
 * @param intervals reports this record is the sum of; 1 if it is none. A reader has missed nothing
 *     if {@code sequence} is the previous record's plus {@code intervals}.
 * @param begin when the interval began
 * @param end when it ended
 * @param tokensIn prompt tokens processed
 * @param tokensOut tokens produced
 * @param memory expert memory at the end
 * @param experts counters per layer and expert
 */
public record UsageRecord(
        Origin origin,
        long sequence,
        int intervals,
        Instant begin,
        Instant end,
        long tokensIn,
        long tokensOut,
        Memory memory,
        UsageSnapshot experts) {

    /** Version of what {@link UsageJson} writes. */
    public static final int SCHEMA = 1;

    /** A single report. */
    public UsageRecord(
            Origin origin,
            long sequence,
            Instant begin,
            Instant end,
            long tokensIn,
            long tokensOut,
            Memory memory,
            UsageSnapshot experts) {
        this(origin, sequence, 1, begin, end, tokensIn, tokensOut, memory, experts);
    }

    /** Time decoding waited for experts. */
    public long stallNanos() {
        return experts.sum(LayerCounter.STALL_NANOS);
    }

    /** Bytes of experts read. */
    public long bytesRead() {
        return experts.sum(ExpertCounter.BYTES_READ);
    }

    /** Whether nothing is missing between an earlier record and this one. */
    boolean follows(UsageRecord earlier) {
        return origin.equals(earlier.origin) && sequence - intervals == earlier.sequence;
    }

    /**
     * This record and the one that follows it, as one.
     *
     * @throws IllegalArgumentException if there is a gap between them
     */
    public UsageRecord plus(UsageRecord next) {
        if (!next.follows(this)) {
            throw new IllegalArgumentException(
                    "Record "
                            + next.sequence
                            + " of "
                            + next.origin
                            + " does not follow record "
                            + sequence
                            + " of "
                            + origin);
        }
        return new UsageRecord(
                origin,
                next.sequence,
                intervals + next.intervals,
                begin,
                next.end,
                tokensIn + next.tokensIn,
                tokensOut + next.tokensOut,
                next.memory,
                experts.plus(next.experts));
    }

    /**
     * Whose record it is.
     *
     * @param model the name clients use
     * @param fingerprint of the checkpoint: the same weights have the same
     * @param host name of the machine or container
     * @param instance of the loaded model, different after each load
     * @param expertsPerToken experts of a layer that each token is sent to; 0 if not known
     */
    public record Origin(
            String model, String fingerprint, String host, String instance, int expertsPerToken) {

        /** Of a model whose routing is not known. */
        public Origin(String model, String fingerprint, String host, String instance) {
            this(model, fingerprint, host, instance, 0);
        }
    }

    /**
     * Expert memory. Low-bit copies are not included.
     *
     * @param budgetBytes what experts may take
     * @param slotBytes what one resident takes
     * @param slots experts that fit
     * @param totalExperts experts of the model
     * @param residents experts in memory, for each layer
     */
    public record Memory(
            long budgetBytes,
            long slotBytes,
            int slots,
            int totalExperts,
            List<Integer> residents) {

        public Memory {
            residents = List.copyOf(residents);
        }

        /** Experts in memory. */
        public int residentExperts() {
            return residents.stream().mapToInt(Integer::intValue).sum();
        }

        /** What they take, in whole slots. */
        public long residentBytes() {
            return residentExperts() * slotBytes;
        }

        /** What a layer's experts take. */
        public long residentBytes(int layer) {
            return residents.get(layer) * slotBytes;
        }
    }
}
