package io.greenroom.gating.predict;

import io.greenroom.cache.CacheStats;
import java.util.Locale;

/**
 * Watches whether prefetch pays, from the cache's own counters, and says when to stop and when to
 * try again: this is the "auto" of the prefetch setting.
 *
 * <p>It judges by windows of a number of prefetched experts. A window in which fewer than the
 * required share arrived in time and were used ends prefetch for a pause, counted in decoding
 * steps; then one more window is tried. Each failed trial doubles the pause, up to sixteenfold; a
 * good window makes it short again. Pure logic without a clock; thread-safe.
 */
public final class PrefetchAudit {

    private static final int LONGEST_PAUSE = 16;

    private final int window;
    private final double requiredShare;
    private final int pauseSteps;

    private CacheStats begin;
    private boolean on = true;
    private int pauseFactor = 1;
    private long pauseLeft;
    private String reason = "on: not judged yet";

    /**
     * @param window prefetched experts after which to judge
     * @param requiredShare least share of them that must be useful, from 0 to 1
     * @param pauseSteps decoding steps before the first new trial
     * @param begin the cache's counters now
     */
    public PrefetchAudit(int window, double requiredShare, int pauseSteps, CacheStats begin) {
        if (window < 1 || pauseSteps < 1 || !(requiredShare >= 0 && requiredShare <= 1)) {
            throw new IllegalArgumentException(
                    "An audit needs a window and a pause of at least 1 and a share from 0 to 1,"
                            + " got "
                            + window
                            + ", "
                            + pauseSteps
                            + " and "
                            + requiredShare);
        }
        this.window = window;
        this.requiredShare = requiredShare;
        this.pauseSteps = pauseSteps;
        this.begin = begin;
    }

    /** Windows of 256 prefetched experts, half of them useful, pauses from 512 steps. */
    public static PrefetchAudit withDefaults(CacheStats begin) {
        return new PrefetchAudit(256, 0.5, 512, begin);
    }

    /**
     * Called once after each decoding step.
     *
     * @param now the cache's counters
     * @return whether the next step should prefetch
     */
    public synchronized boolean step(CacheStats now) {
        if (on) {
            if (now.prefetchIssued() - begin.prefetchIssued() >= window) {
                judge(now);
                begin = now;
            }
        } else if (--pauseLeft <= 0) {
            on = true;
            begin = now;
            reason = "on: trying again; was " + reason;
        }
        return on;
    }

    /** Whether the next step should prefetch. */
    public synchronized boolean isOn() {
        return on;
    }

    /** On or off, and the numbers that decided it; for operators. */
    public synchronized String reason() {
        return reason;
    }

    private void judge(CacheStats now) {
        long issued = now.prefetchIssued() - begin.prefetchIssued();
        long useful = now.prefetchUseful() - begin.prefetchUseful();
        on = useful >= requiredShare * issued;
        String numbers =
                String.format(
                        Locale.ROOT,
                        "%d of %d prefetched experts were useful (%.0f %%, %.0f %% required),"
                                + " %d late, %d wasted; stalled %.3f s",
                        useful,
                        issued,
                        100.0 * useful / issued,
                        100 * requiredShare,
                        now.prefetchLate() - begin.prefetchLate(),
                        now.prefetchWasted() - begin.prefetchWasted(),
                        (now.stallNanos() - begin.stallNanos()) / 1e9);
        if (on) {
            pauseFactor = 1;
            reason = "on: " + numbers;
        } else {
            pauseLeft = (long) pauseSteps * pauseFactor;
            reason = "off for " + pauseLeft + " steps: " + numbers;
            pauseFactor = Math.min(LONGEST_PAUSE, pauseFactor * 2);
        }
    }
}
