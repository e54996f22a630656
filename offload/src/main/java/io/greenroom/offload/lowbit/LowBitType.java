package io.greenroom.offload.lowbit;

import io.greenroom.offload.kernel.TensorType;
import java.util.Locale;

/** What an expert may be rounded to. A weight is {@code d L}: a block's scale times a level. */
public enum LowBitType {
    /** ggml's Q4_0, 4.5 bits per weight, levels -8 to 7. Half of Q8_0's bytes. */
    Q4_0(TensorType.Q4_0, -8, new float[] {0.8f, 0.85f, 0.9f, 0.95f, 1, 1.05f, 1.1f}) {

        @Override
        int level(float scaled) {
            return (int) (Math.max(-8, Math.min(7, scaled)) + 8.5f) - 8;
        }

        @Override
        void put(int[] levels, byte[] out, int at) {
            for (int i = 0; i < 16; i++) {
                out[at + i] = (byte) ((levels[i] + 8) | ((levels[i + 16] + 8) << 4));
            }
        }
    },

    /** Our own Q2_G32, 2.5 bits per weight, levels -3, -1, 1 and 3. */
    Q2_G32(
            TensorType.Q2_G32,
            3,
            new float[] {0.5f, 0.55f, 0.6f, 0.65f, 0.7f, 0.75f, 0.8f, 0.85f, 0.9f, 0.95f, 1}) {

        @Override
        int level(float scaled) {
            return 2 * (int) Math.max(0, Math.min(3, scaled * 0.5f + 2)) - 3;
        }

        @Override
        void put(int[] levels, byte[] out, int at) {
            for (int i = 0; i < 8; i++) {
                int bits = 0;
                for (int quarter = 0; quarter < 4; quarter++) {
                    int q = (levels[i + 8 * quarter] + 3) / 2;
                    bits |= q << (2 * quarter);
                }
                out[at + i] = (byte) bits;
            }
        }
    };

    private final TensorType tensorType;
    private final int extreme;
    private final float[] ladder;

    LowBitType(TensorType tensorType, int extreme, float[] ladder) {
        this.tensorType = tensorType;
        this.extreme = extreme;
        this.ladder = ladder;
    }

    /** The type as kernels know it. */
    public TensorType tensorType() {
        return tensorType;
    }

    /** As it is written on the command line. */
    public String label() {
        return name().toLowerCase(Locale.ROOT);
    }

    /** The level farthest from zero, which the weight of largest magnitude is mapped to first. */
    int extreme() {
        return extreme;
    }

    /** Scales to begin the search with, as shares of the one that reaches the largest weight. */
    float[] ladder() {
        return ladder;
    }

    /** The level nearest to a weight that was divided by its scale. */
    abstract int level(float scaled);

    /** Writes a block's 32 levels in the type's layout. */
    abstract void put(int[] levels, byte[] out, int at);
}
