package io.greenroom.gating.predict;

import java.util.Arrays;

/**
 * How many experts can be read ahead of a layer without being in anybody's way: as many as fit into
 * the time for which the link is usually idle before that layer asks for its own.
 *
 * <pre>
 * DEFINITION  fits[l]  = idle[l] * bandwidth / bytes of an expert
 *             width[l] = floor(fits[l] + 3/4)
 * </pre>
 *
 * <p>A quarter of an expert counts as one because a read that is not done when the layer asks is
 * either wanted, and then only its rest has to be waited for, or called off. Idle times and the
 * bandwidth are exponential averages; a single odd sample counts as at most four usual ones. On a
 * saturated link nothing fits and the width is 0.
 *
 * <p>Pure arithmetic; thread-safe.
 */
public final class PrefetchWidth {

    private static final double SMOOTHING = 1.0 / 16;
    private static final double ODD = 4;
    private static final double LEAST = 0.25;

    /** Bandwidth is averaged over so many bytes. */
    private static final double BANDWIDTH_BYTES = 64 << 20;

    private final double[] idleNanos; // [layers + 1], -1 before the first sample; last: the rest
    private final double[] allNanos; // [layers + 1]
    private double carriedBytes;
    private double carryingNanos;

    /**
     * @param layers layers of the model
     */
    public PrefetchWidth(int layers) {
        idleNanos = new double[layers + 1];
        allNanos = new double[layers + 1];
        Arrays.fill(idleNanos, -1);
    }

    /**
     * A layer asks for its experts.
     *
     * @param elapsedNanos since the layer before it did
     * @param busyNanos of these, how long demand was waiting or being read
     */
    public synchronized void asked(int layer, long elapsedNanos, long busyNanos) {
        double idle = Math.max(0, elapsedNanos - busyNanos);
        if (idleNanos[layer] < 0) {
            idleNanos[layer] = idle;
            allNanos[layer] = elapsedNanos;
            return;
        }
        // From next to nothing it must be able to grow.
        double most = ODD * Math.max(idleNanos[layer], allNanos[layer] / 16);
        idleNanos[layer] += SMOOTHING * (Math.min(idle, most) - idleNanos[layer]);
        double elapsed = Math.min(elapsedNanos, ODD * Math.max(1, allNanos[layer]));
        allNanos[layer] += SMOOTHING * (elapsed - allNanos[layer]);
    }

    /** The walk through the layers is over; what follows the last of them counts for the share. */
    public synchronized void ended(long elapsedNanos, long busyNanos) {
        asked(idleNanos.length - 1, elapsedNanos, busyNanos);
    }

    /**
     * The link has carried something.
     *
     * @param nanos for how long it was busy with it
     */
    public synchronized void carried(long bytes, long nanos) {
        double keep = Math.exp(-bytes / BANDWIDTH_BYTES);
        carriedBytes = carriedBytes * keep + bytes;
        carryingNanos = carryingNanos * keep + nanos;
    }

    /** Bytes a second the link carries while it is busy; 0 if it never was. */
    public synchronized double bandwidth() {
        return carryingNanos == 0 ? 0 : carriedBytes / carryingNanos * 1e9;
    }

    /** How many experts fit into the idle time before a layer. */
    public synchronized double fits(int layer, long expertBytes) {
        return expertBytes == 0
                ? 0
                : Math.max(0, idleNanos[layer]) / 1e9 * bandwidth() / expertBytes;
    }

    /** How many experts to read ahead of a layer, up to {@code most}. */
    public synchronized int width(int layer, long expertBytes, int most) {
        return (int) Math.min(most, fits(layer, expertBytes) + 1 - LEAST);
    }

    /** Bytes the link could carry in its idle time before the layers, all of them together. */
    public synchronized long idleBytes() {
        double idle = 0;
        for (int layer = 0; layer < idleNanos.length - 1; layer++) {
            idle += Math.max(0, idleNanos[layer]);
        }
        return (long) (idle / 1e9 * bandwidth());
    }

    /** Share of time for which the link is idle, from 0 to 1. */
    public synchronized double idleShare() {
        double idle = 0;
        double all = 0;
        for (int layer = 0; layer < idleNanos.length; layer++) {
            if (idleNanos[layer] >= 0) {
                idle += idleNanos[layer];
                all += allNanos[layer];
            }
        }
        return all == 0 ? 0 : Math.min(1, idle / all);
    }
}
