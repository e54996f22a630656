package io.greenroom.cache.usage;

import java.util.concurrent.atomic.AtomicLongArray;

/**
 * How often something took how long, in buckets with fixed bounds.
 *
 * <p>One thread at a time notes, with a short search, a plain addition and two plain stores: no
 * lock, no allocation, nothing atomic. Any thread may take a {@link #snapshot} meanwhile; it is no
 * moment in time, but no count in it is ever taken back.
 */
public final class TimeHistogram {

    private final long[] bounds; // nanoseconds, ascending
    private final AtomicLongArray counts; // [bounds + 1], and the sum of all times behind them

    /**
     * @param bounds largest time of each bucket in nanoseconds, ascending; longer times go into one
     *     more
     * @throws IllegalArgumentException if there are none, or they do not ascend
     */
    public TimeHistogram(long... bounds) {
        if (bounds.length == 0) {
            throw new IllegalArgumentException("A histogram needs at least one bound");
        }
        for (int i = 1; i < bounds.length; i++) {
            if (bounds[i] <= bounds[i - 1]) {
                throw new IllegalArgumentException(
                        "Bounds must ascend, but "
                                + bounds[i]
                                + " ns comes after "
                                + bounds[i - 1]
                                + " ns");
            }
        }
        this.bounds = bounds.clone();
        this.counts = new AtomicLongArray(bounds.length + 2);
    }

    /** A histogram with bounds in seconds. */
    public static TimeHistogram ofSeconds(double... bounds) {
        long[] nanos = new long[bounds.length];
        for (int i = 0; i < bounds.length; i++) {
            nanos[i] = Math.round(bounds[i] * 1e9);
        }
        return new TimeHistogram(nanos);
    }

    /** Notes one time. A clock that ran backwards counts as no time. */
    public void note(long nanos) {
        long time = Math.max(0, nanos);
        int bucket = 0;
        while (bucket < bounds.length && time > bounds[bucket]) {
            bucket++;
        }
        add(bucket, 1);
        add(bounds.length + 1, time);
    }

    /** Not atomic: there is one writer. Opaque: readers see whole numbers, in time. */
    private void add(int at, long more) {
        counts.setOpaque(at, counts.getPlain(at) + more);
    }

    /** What was noted so far. */
    public TimeCounts snapshot() {
        long[] copy = new long[bounds.length + 1];
        for (int i = 0; i < copy.length; i++) {
            copy[i] = counts.getOpaque(i);
        }
        return new TimeCounts(bounds, copy, counts.getOpaque(bounds.length + 1));
    }
}
