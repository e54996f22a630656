package io.greenroom.offload.store;

import java.util.function.LongConsumer;
import java.util.function.LongSupplier;

/**
 * A slower link than the machine has, for experiments: reads end no earlier than they would if one
 * after another went over a link of this many bytes a second. Thread-safe.
 */
final class LinkLimit {

    private static final double NANOS = 1e9;

    private final long bytesPerSecond;
    private final LongSupplier clock;
    private final LongConsumer sleep;
    private long freeAt; // guarded by this; when the link has carried all it was given
    private boolean used; // guarded by this

    /**
     * @param bytesPerSecond above 0
     * @param clock nanoseconds from an arbitrary origin
     * @param sleep waits for so many nanoseconds
     */
    LinkLimit(long bytesPerSecond, LongSupplier clock, LongConsumer sleep) {
        if (bytesPerSecond < 1) {
            throw new IllegalArgumentException(
                    "A link carries at least 1 byte per second, got " + bytesPerSecond);
        }
        this.bytesPerSecond = bytesPerSecond;
        this.clock = clock;
        this.sleep = sleep;
    }

    /** Books the transfer of a read that begins now; call before reading. */
    synchronized long book(long bytes) {
        long now = clock.getAsLong();
        long from = used && freeAt - now > 0 ? freeAt : now;
        used = true;
        freeAt = from + (long) (bytes * NANOS / bytesPerSecond);
        return freeAt;
    }

    /** Waits until a booked transfer is over; call after reading. */
    void await(long end) {
        long left = end - clock.getAsLong();
        while (left > 0) {
            sleep.accept(left);
            left = end - clock.getAsLong();
        }
    }
}
