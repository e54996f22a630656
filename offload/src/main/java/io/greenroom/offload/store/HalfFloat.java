package io.greenroom.offload.store;

/** Widens the two 16-bit float formats. Exact: every value of either is a 32-bit float. */
final class HalfFloat {

    private static final int F16_MANTISSA_BITS = 10;
    private static final float F16_SUBNORMAL_UNIT = 0x1p-24f;

    private HalfFloat() {}

    /** IEEE 754 binary16: 1 sign, 5 exponent (bias 15), 10 mantissa bits. */
    static float fromF16(short bits) {
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
    static float fromBf16(short bits) {
        return Float.intBitsToFloat(bits << 16);
    }
}
