package io.greenroom.offload.lowbit;

import io.greenroom.offload.store.HalfFloat;

/**
 * Rounds rows of weights to a low-bit type, each block of 32 with the scale that leaves the least
 * squared error among those tried: from each scale of a ladder, the nearest levels are chosen and
 * the scale is fitted to them by least squares, twice over (Lloyd, "Least Squares Quantization in
 * PCM", 1982), and then rounded to half precision. The same weights give the same bytes.
 *
 * <p>Used by one thread.
 */
final class BlockQuantizer {

    private static final int BLOCK = 32;
    private static final int REFITS = 2;
    private static final int SCALE_BYTES = 2;

    private final LowBitType type;
    private final int blockBytes;
    private final int[] levels = new int[BLOCK];

    BlockQuantizer(LowBitType type) {
        this.type = type;
        this.blockBytes = type.tensorType().blockBytes();
    }

    /**
     * Rounds a row.
     *
     * @param from first of {@code count} finite weights
     * @param count a multiple of 32
     * @param at where the first block goes in {@code out}
     * @return the sum of squared errors; not finite if a weight is not
     */
    double quantize(float[] weights, int from, int count, byte[] out, int at) {
        double squares = 0;
        for (int i = 0; i < count; i += BLOCK) {
            squares += block(weights, from + i, out, at + i / BLOCK * blockBytes);
        }
        return squares;
    }

    private double block(float[] x, int from, byte[] out, int at) {
        float peak = 0; // the weight of largest magnitude, with its sign
        for (int i = 0; i < BLOCK; i++) {
            if (!Float.isFinite(x[from + i])) {
                return Double.NaN;
            }
            if (Math.abs(x[from + i]) > Math.abs(peak)) {
                peak = x[from + i];
            }
        }
        short scale = 0;
        double least = error(x, from, 0);
        for (float share : type.ladder()) {
            float d = peak / type.extreme() * share;
            for (int i = 0; i < REFITS && d != 0; i++) {
                d = refitted(x, from, d);
            }
            short half = HalfFloat.toF16(d);
            double error = error(x, from, HalfFloat.fromF16(half));
            if (error < least) {
                least = error;
                scale = half;
            }
        }
        float inverse = inverse(HalfFloat.fromF16(scale));
        for (int i = 0; i < BLOCK; i++) {
            levels[i] = type.level(x[from + i] * inverse);
        }
        out[at] = (byte) scale;
        out[at + 1] = (byte) (scale >>> 8);
        type.put(levels, out, at + SCALE_BYTES);
        return least;
    }

    /** The scale with the least squared error for the levels that {@code d} leads to. */
    private float refitted(float[] x, int from, float d) {
        float inverse = inverse(d);
        double product = 0;
        double squares = 0;
        for (int i = 0; i < BLOCK; i++) {
            int level = type.level(x[from + i] * inverse);
            product += (double) x[from + i] * level;
            squares += (double) level * level;
        }
        return squares == 0 ? d : (float) (product / squares);
    }

    /** Not finite for a scale that is none, so that it never wins. */
    private double error(float[] x, int from, float d) {
        float inverse = inverse(d);
        double sum = 0;
        for (int i = 0; i < BLOCK; i++) {
            double off = x[from + i] - (double) d * type.level(x[from + i] * inverse);
            sum += off * off;
        }
        return sum;
    }

    private static float inverse(float d) {
        return d == 0 ? 0 : 1 / d;
    }
}
