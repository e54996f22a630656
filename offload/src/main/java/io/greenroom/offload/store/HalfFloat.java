package io.greenroom.offload.store;

/**
 * The two 16-bit float formats. Widening is exact: every value of either is a 32-bit float.
 * Narrowing rounds to the nearest, ties to even.
 */
public final class HalfFloat {

    private static final int F16_MANTISSA_BITS = 10;
    private static final float F16_SUBNORMAL_UNIT = 0x1p-24f;

    private HalfFloat() {}

    /** IEEE 754 binary16: 1 sign, 5 exponent (bias 15), 10 mantissa bits. */
    public static float fromF16(short bits) {
        int exponent = (bits >>> F16_MANTISSA_BITS) & 0x1F;
        int mantissa = bits & 0x3FF;
        int sign = (bits & 0x8000) << 16;
        if (exponent == 0) {
            float magnitude = mantissa * F16_SUBNORMAL_UNIT;
            return sign == 0 ? magnitude : -magnitude;
        }
        int wide = exponent == 0x1F ? 0xFF : exponent - 15 + 127;
        return Float.intBitsToFloat(sign | wide << 23 | mantissa << 13);
    }

    /** bfloat16: the upper half of a 32-bit float. */
    public static float fromBf16(short bits) {
        return Float.intBitsToFloat(bits << 16);
    }

    /** The nearest binary16; beyond 65519 infinity. */
    public static short toF16(float value) {
        int bits = Float.floatToRawIntBits(value);
        int sign = (bits >>> 16) & 0x8000;
        int magnitude = bits & 0x7FFFFFFF;
        int half;
        if (magnitude > 0x7F800000) {
            half = 0x7E00; // NaN
        } else if (magnitude >= 0x477FF000) {
            half = 0x7C00; // 65520 and more
        } else if (magnitude < 0x38800000) {
            // Below 2^-14: floats from 0.5 on lie as far apart as these, so adding rounds.
            float shifted = Float.intBitsToFloat(magnitude) + 0.5f;
            half = Float.floatToRawIntBits(shifted) - Float.floatToRawIntBits(0.5f);
        } else {
            int odd = (magnitude >>> 13) & 1;
            half = (magnitude + 0xFFF + odd - 0x38000000) >>> 13;
        }
        return (short) (sign | half);
    }

    /** The nearest bfloat16. */
    public static short toBf16(float value) {
        int bits = Float.floatToRawIntBits(value);
        if (Float.isNaN(value)) {
            return (short) (bits >>> 16 | 0x40);
        }
        return (short) ((bits + 0x7FFF + ((bits >>> 16) & 1)) >>> 16);
    }
}
