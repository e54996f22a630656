package io.greenroom.offload.probe;

import java.util.Arrays;

/**
 * What several measurements of one thing came to.
 *
 * @param median the middle one
 * @param low an eighth was lower
 * @param high an eighth was higher
 * @param count how many there were, at least 1
 */
public record Spread(double median, double low, double high, int count) {

    /**
     * @throws IllegalArgumentException if there are none
     */
    public static Spread of(double... measured) {
        if (measured.length == 0) {
            throw new IllegalArgumentException("Nothing was measured");
        }
        double[] sorted = measured.clone();
        Arrays.sort(sorted);
        int last = sorted.length - 1;
        return new Spread(
                sorted[sorted.length / 2],
                sorted[last / 8],
                sorted[last - last / 8],
                sorted.length);
    }

    /** The same in another unit. */
    public Spread times(double factor) {
        return new Spread(median * factor, low * factor, high * factor, count);
    }
}
