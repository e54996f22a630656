package io.greenroom.offload.decoder;

import java.util.OptionalDouble;
import java.util.function.LongSupplier;

/**
 * How long tokens take, and how much of that the decoder stalls. Only steps that follow another one
 * and read no prompt are counted: the time since the step before is theirs. Older ones count less.
 *
 * <p>Written by the scheduler's thread, read by any.
 */
final class StepTimes {

    /** After so many tokens, what was counted before counts half. */
    private static final double HALF_LIFE = 256;

    private final LongSupplier clock;
    private final LongSupplier stallNanos;
    private long lastEnd;
    private long lastStall;
    private boolean running; // a step ended, and a session goes on
    private double tokens;
    private double nanos;
    private double stalled;

    /**
     * @param clock nanoseconds
     * @param stallNanos time stalled so far
     */
    StepTimes(LongSupplier clock, LongSupplier stallNanos) {
        this.clock = clock;
        this.stallNanos = stallNanos;
    }

    /**
     * A step is over.
     *
     * @param rows tokens it was for
     * @param decode whether it read no prompt
     */
    synchronized void stepped(int rows, boolean decode) {
        long end = clock.getAsLong();
        long stall = stallNanos.getAsLong();
        if (decode && running) {
            double fade = Math.pow(0.5, rows / HALF_LIFE);
            tokens = tokens * fade + rows;
            nanos = nanos * fade + (end - lastEnd);
            stalled = stalled * fade + (stall - lastStall);
        }
        running = true;
        lastEnd = end;
        lastStall = stall;
    }

    /** Seconds of computing for a token; empty before the first. */
    synchronized OptionalDouble computeSeconds() {
        return tokens == 0
                ? OptionalDouble.empty()
                : OptionalDouble.of(Math.max(0, nanos - stalled) / tokens / 1e9);
    }

    /** Seconds stalled for a token; 0 before the first. */
    synchronized double stallSeconds() {
        return tokens == 0 ? 0 : stalled / tokens / 1e9;
    }
}
