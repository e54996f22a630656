package io.greenroom.offload.synthetic;

import io.greenroom.offload.kernel.TensorType;
import io.greenroom.offload.store.HalfFloat;
import java.nio.ByteBuffer;

/**
 * Rows of random weights with mean 0 and a given deviation, drawn in the type they are stored in:
 * no row is ever there as floats first.
 *
 * <pre>
 * DEFINITION  F32, F16, BF16   about normal
 *             Q8_0, Q4_0       uniform over all codes of a block whose scale has one size and a
 *                              random sign; the sign makes the mean 0, though -8..7 is lopsided
 * </pre>
 *
 * <p>Why the mean matters: a matrix whose elements have a common mean maps the direction of all
 * ones onto itself, far stronger than anything random, and a stack of layers would follow it.
 *
 * @param type F32, F16, BF16, Q8_0 or Q4_0
 * @param cols elements of a row, whole blocks
 * @param deviation of an element
 * @param silentEvery every so many rows, from row 0, one is all zeros; 0 for none
 * @param first how the first element of every row is made
 */
record RandomRows(TensorType type, int cols, float deviation, int silentEvery, First first)
        implements RowFill {

    /** What the first element of a row is. */
    enum First {
        /** Random like all others. */
        RANDOM,
        /** The same in every row: {@link RandomRows#constant}. */
        CONSTANT
    }

    /** Deviation of a number drawn uniformly from -128..127. */
    private static final float DEVIATION_8 = 73.9f;

    /** Deviation of a number drawn uniformly from -8..7. */
    private static final float DEVIATION_4 = 4.61f;

    /** The largest code that both signs of a scale can reach. */
    private static final int PEAK_8 = 127;

    private static final int PEAK_4 = 7;
    private static final float PEAK_FLOAT = 1.5f;

    static RandomRows of(TensorType type, int cols, double deviation) {
        return new RandomRows(type, cols, (float) deviation, 0, First.RANDOM);
    }

    /** Row 0 of every group of {@code every} rows is zero. */
    RandomRows silent(int every) {
        return new RandomRows(type, cols, deviation, every, first);
    }

    RandomRows withConstantFirst() {
        return new RandomRows(type, cols, deviation, silentEvery, First.CONSTANT);
    }

    /** The first element of each row where that is constant, as it reads when decoded. */
    float constant() {
        return switch (type) {
            case Q4_0 -> PEAK_4 * HalfFloat.fromF16(scale(DEVIATION_4));
            case Q8_0 -> PEAK_8 * HalfFloat.fromF16(scale(DEVIATION_8));
            case F16 -> HalfFloat.fromF16(HalfFloat.toF16(PEAK_FLOAT * deviation));
            case BF16 -> HalfFloat.fromBf16(HalfFloat.toBf16(PEAK_FLOAT * deviation));
            default -> PEAK_FLOAT * deviation;
        };
    }

    @Override
    public void fill(long row, SplitMix random, ByteBuffer out) {
        if (silentEvery > 0 && row % silentEvery == 0) {
            silence(out);
            return;
        }
        boolean constant = first == First.CONSTANT;
        switch (type) {
            case F32 -> {
                for (int i = 0; i < cols; i++) {
                    out.putFloat(value(i, constant, random));
                }
            }
            case F16 -> {
                for (int i = 0; i < cols; i++) {
                    out.putShort(HalfFloat.toF16(value(i, constant, random)));
                }
            }
            case BF16 -> {
                for (int i = 0; i < cols; i++) {
                    out.putShort(HalfFloat.toBf16(value(i, constant, random)));
                }
            }
            case Q8_0 -> quantised(scale(DEVIATION_8), 4, constant ? PEAK_8 : 0, random, out);
            case Q4_0 -> quantised(scale(DEVIATION_4), 2, constant ? PEAK_4 : 0, random, out);
            default -> throw new IllegalStateException("Rows of type " + type);
        }
    }

    private float value(int i, boolean constant, SplitMix random) {
        float value = deviation * random.nextNormal();
        return constant && i == 0 ? PEAK_FLOAT * deviation : value;
    }

    private short scale(float deviationOfCodes) {
        return HalfFloat.toF16(deviation / deviationOfCodes);
    }

    /**
     * Blocks of 32 elements: a half-precision scale, then the codes.
     *
     * @param longs codes of a block in units of 8 bytes
     * @param peak code of the first element, or 0 to leave it random
     */
    private void quantised(short scale, int longs, int peak, SplitMix random, ByteBuffer out) {
        for (int block = 0; block < cols / type.blockElements(); block++) {
            long bits = random.next();
            boolean negative = bits < 0;
            int start = out.position();
            out.putShort(negative ? (short) (scale | 0x8000) : scale);
            for (int i = 0; i < longs; i++) {
                out.putLong(random.next());
            }
            if (block == 0 && peak != 0) {
                int code = negative ? -peak : peak;
                int at = start + Short.BYTES;
                if (type == TensorType.Q4_0) {
                    // The low half of the first byte is element 0; codes are stored plus 8.
                    out.put(at, (byte) ((out.get(at) & 0xF0) | (code + 8)));
                } else {
                    out.put(at, (byte) code);
                }
            }
        }
    }

    /** Zeros; in Q4_0 too, since its scale is then zero. */
    private void silence(ByteBuffer out) {
        long bytes = type.bytesFor(cols);
        for (long i = 0; i < bytes; i++) {
            out.put((byte) 0);
        }
    }
}
