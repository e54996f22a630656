package io.greenroom.cache.trace;

/**
 * How numbers become 16 bits in a trace. Encoding what was decoded gives the same 16 bits.
 *
 * <pre>
 * probability  p in [0, 1]     round(p * 65535)                 error at most 0.0000077
 * cosine       c in [-1, 1]    round(c * 32767), signed         error at most 0.000016; -32768: NaN
 * norm         x >= 0          round(log2(x) * 256) + 32768     error at most 0.14 % of x, from
 *                              2^-126 to 2^127; 0: smaller
 * </pre>
 */
final class TraceNumbers {

    private static final double LOG_STEPS = 256;
    private static final int LOG_BIAS = 32768;
    private static final int NO_COSINE = Short.MIN_VALUE;

    private TraceNumbers() {}

    /** A number to its 16 bits. */
    interface Encoder {
        int code(float value);
    }

    /** 16 bits to the number they stand for. */
    interface Decoder {
        float value(int code);
    }

    static int probability(float p) {
        return Math.round(clamp(p, 0, 1) * 65535f);
    }

    static float probability(int code) {
        return code / 65535f;
    }

    static int cosine(float c) {
        return (Float.isNaN(c) ? NO_COSINE : Math.round(clamp(c, -1, 1) * 32767f)) & 0xffff;
    }

    static float cosine(int code) {
        short value = (short) code;
        return value == NO_COSINE ? Float.NaN : Math.max(-1, value / 32767f);
    }

    static int norm(float x) {
        if (!(x > 0)) {
            return 0;
        }
        // 2^127 is the last power a float holds, and below are too near to its smallest.
        double log = Math.min(Math.log(x) / Math.log(2), 127);
        return log < -126 ? 0 : (int) Math.round(log * LOG_STEPS) + LOG_BIAS;
    }

    static float norm(int code) {
        return code == 0 ? 0 : (float) Math.pow(2, (code - LOG_BIAS) / LOG_STEPS);
    }

    private static float clamp(float value, float least, float most) {
        return Math.max(least, Math.min(most, value));
    }
}
