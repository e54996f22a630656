package io.greenroom.offload.lowbit;

import static org.assertj.core.api.Assertions.assertThat;

import io.greenroom.offload.kernel.ActivationPrecision;
import io.greenroom.offload.kernel.Activations;
import io.greenroom.offload.kernel.KernelIsa;
import io.greenroom.offload.kernel.NativeKernels;
import io.greenroom.offload.kernel.WeightMatrix;
import io.greenroom.offload.memory.MemoryTag;
import io.greenroom.offload.memory.NativeAllocator;
import io.greenroom.offload.memory.NativeMemory;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** What the quantizer says of its error is what the kernels decode, and the error is small. */
class BlockQuantizerTest {

    private static final NativeAllocator ALLOCATOR = new NativeAllocator();

    /** A row as the scalar kernels read it. */
    static float[] decode(LowBitType type, byte[] blocks, int count) {
        try (NativeMemory weights = ALLOCATOR.allocate(MemoryTag.DENSE_WEIGHTS, blocks.length, 64);
                NativeMemory result = ALLOCATOR.allocate(MemoryTag.ACTIVATIONS, 4L * count, 64);
                NativeKernels kernels =
                        new NativeKernels(1, KernelIsa.SCALAR, ActivationPrecision.FLOAT32)) {
            weights.buffer(0, blocks.length).put(blocks);
            Activations out = new Activations(result, 0, 1, count);
            WeightMatrix row = new WeightMatrix(weights, 0, type.tensorType(), 1, count);
            kernels.embed(row, new int[] {0}, 1, out);
            float[] values = new float[count];
            kernels.read(out, 1, values);
            return values;
        }
    }

    private static byte[] blocks(LowBitType type, int count) {
        return new byte[Math.toIntExact(type.tensorType().bytesFor(count))];
    }

    private static double squares(float[] a, float[] b) {
        double sum = 0;
        for (int i = 0; i < a.length; i++) {
            sum += ((double) a[i] - b[i]) * ((double) a[i] - b[i]);
        }
        return sum;
    }

    private static double squares(float[] a) {
        return squares(a, new float[a.length]);
    }

    /** From one outlier among small ones to even magnitudes, at any scale half floats reach. */
    private static float[] weights(Random random, int count, int exponent) {
        float[] weights = new float[count];
        double tail = random.nextDouble() * 3;
        for (int i = 0; i < count; i++) {
            double value = random.nextGaussian();
            weights[i] = (float) (value * Math.pow(Math.abs(value), tail) * Math.pow(2, exponent));
        }
        return weights;
    }

    @Property
    void theErrorItReportsIsThatOfTheDecodedRow(
            @ForAll LowBitType type,
            @ForAll long seed,
            @ForAll @IntRange(min = 1, max = 5) int blocks,
            @ForAll @IntRange(min = -12, max = 8) int exponent) {
        int count = 32 * blocks;
        float[] weights = weights(new Random(seed), count + 7, exponent);
        byte[] out = new byte[blocks(type, count).length + 3];
        double reported = new BlockQuantizer(type).quantize(weights, 7, count, out, 3);
        float[] row = java.util.Arrays.copyOfRange(weights, 7, count + 7);
        float[] decoded = decode(type, java.util.Arrays.copyOfRange(out, 3, out.length), count);
        double actual = squares(row, decoded);
        assertThat(reported).isBetween(actual * 0.9999, actual * 1.0001);
        assertThat(reported).isLessThanOrEqualTo(squares(row));
    }

    /** Rounding to the nearest level of the scale that reaches the largest weight, as ggml does. */
    @Property
    void theErrorIsAtMostThatOfPlainRounding(@ForAll LowBitType type, @ForAll long seed) {
        float[] row = weights(new Random(seed), 32, 0);
        float peak = 0;
        for (float weight : row) {
            peak = Math.abs(weight) > Math.abs(peak) ? weight : peak;
        }
        float d = peak / type.extreme();
        float[] plain = new float[32];
        for (int i = 0; i < 32; i++) {
            plain[i] = d * type.level(row[i] / d);
        }
        double error = new BlockQuantizer(type).quantize(row, 0, 32, blocks(type, 32), 0);
        // the plain scale is not rounded to half precision
        assertThat(error).isLessThanOrEqualTo(squares(row, plain) * 1.001);
    }

    /** Limits by theory are 0.0954 and 0.3447 with one scale for all; blocks adapt. */
    @ParameterizedTest
    @CsvSource({"Q4_0, 0.0850", "Q2_G32, 0.3300"})
    void normallyDistributedWeightsLoseLittle(LowBitType type, double most) {
        Random random = new Random(5);
        float[] row = new float[32 * 1000];
        for (int i = 0; i < row.length; i++) {
            row[i] = (float) random.nextGaussian() * 0.02f;
        }
        byte[] out = blocks(type, row.length);
        double error = new BlockQuantizer(type).quantize(row, 0, row.length, out, 0);
        assertThat(Math.sqrt(error / squares(row))).isLessThan(most);
        byte[] again = blocks(type, row.length);
        new BlockQuantizer(type).quantize(row, 0, row.length, again, 0);
        assertThat(again).isEqualTo(out);
    }

    @ParameterizedTest
    @EnumSource
    void zerosAndWhatIsTooSmallBecomeZeros(LowBitType type) {
        float[] row = new float[64];
        row[40] = 1e-12f; // far below the smallest half
        byte[] out = blocks(type, 64);
        double error = new BlockQuantizer(type).quantize(row, 0, 64, out, 0);
        assertThat(decode(type, out, 64)).containsOnly(0f);
        assertThat(error).isBetween(0.99e-24, 1.01e-24);
    }

    @ParameterizedTest
    @EnumSource
    void levelsThatFitAreExact(LowBitType type) {
        float[] row = new float[32];
        for (int i = 0; i < 32; i++) {
            row[i] = type.level(i * 0.7f - 9) * 0.25f;
        }
        row[3] = type.extreme() * 0.25f;
        byte[] out = blocks(type, 32);
        assertThat(new BlockQuantizer(type).quantize(row, 0, 32, out, 0)).isZero();
        assertThat(decode(type, out, 32)).isEqualTo(row);
    }

    @Test
    void whatIsNoNumberIsReported() {
        for (LowBitType type : LowBitType.values()) {
            for (float bad : new float[] {Float.NaN, Float.POSITIVE_INFINITY}) {
                float[] row = new float[64];
                row[50] = bad;
                assertThat(new BlockQuantizer(type).quantize(row, 0, 64, blocks(type, 64), 0))
                        .isNaN();
            }
        }
    }
}
