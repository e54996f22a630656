package io.greenroom.cache.usage;

/** What a {@link TimeHistogram} had noted at some time. Immutable. */
public final class TimeCounts {

    private final long[] bounds; // nanoseconds, ascending
    private final long[] counts; // [bounds + 1]
    private final long sumNanos;

    TimeCounts(long[] bounds, long[] counts, long sumNanos) {
        this.bounds = bounds;
        this.counts = counts;
        this.sumNanos = sumNanos;
    }

    /** Number of buckets; the last one has no bound. */
    public int buckets() {
        return counts.length;
    }

    /** Largest time of a bucket in seconds; infinite for the last. */
    public double boundSeconds(int bucket) {
        return bucket == bounds.length ? Double.POSITIVE_INFINITY : bounds[bucket] / 1e9;
    }

    /** Times in one bucket. */
    public long count(int bucket) {
        return counts[bucket];
    }

    /** Times in all buckets. */
    public long count() {
        long all = 0;
        for (long count : counts) {
            all += count;
        }
        return all;
    }

    /** All times together. */
    public long sumNanos() {
        return sumNanos;
    }
}
