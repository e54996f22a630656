package io.greenroom.offload.kernel;

import io.greenroom.offload.memory.LeakCheck;
import io.greenroom.offload.memory.MemoryTag;
import io.greenroom.offload.memory.NativeAllocator;
import io.greenroom.offload.memory.NativeMemory;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;

/** Native blocks of a test, filled with seeded numbers, all closed and accounted for at its end. */
final class TestMemory implements AutoCloseable {

    private static final NativeAllocator allocator =
            new NativeAllocator(NativeAllocator.OnClose.POISON);

    private final LeakCheck leaks = new LeakCheck(allocator);
    private final List<NativeMemory> blocks = new ArrayList<>();
    private final SplittableRandom random;

    TestMemory(long seed) {
        this.random = new SplittableRandom(seed);
    }

    NativeMemory block(MemoryTag tag, long bytes) {
        NativeMemory block = allocator.allocate(tag, bytes, 64);
        blocks.add(block);
        return block;
    }

    /** All NaN, so that an element nobody wrote shows. */
    Activations empty(int rows, int cols) {
        Activations result =
                new Activations(block(MemoryTag.ACTIVATIONS, 4L * rows * cols), 0, rows, cols);
        fill(result, Float.NaN);
        return result;
    }

    Activations random(int rows, int cols) {
        Activations result = empty(rows, cols);
        FloatBuffer to = floats(result);
        while (to.hasRemaining()) {
            to.put(real());
        }
        return result;
    }

    Activations copy(Activations from) {
        Activations result = empty(from.rows(), from.cols());
        floats(result).put(floats(from));
        return result;
    }

    /** Random blocks with tame scales. */
    WeightMatrix weights(TensorType type, int rows, int cols) {
        int bytes = Math.toIntExact(type.bytesFor((long) rows * cols));
        NativeMemory memory = block(MemoryTag.DENSE_WEIGHTS, bytes);
        ByteBuffer to = memory.buffer(0, bytes);
        for (int i = 0; i < bytes; i++) {
            to.put(i, (byte) random.nextInt(256));
        }
        for (int at = 0; at < bytes; at += type.blockBytes()) {
            switch (type) {
                case F32 -> to.putFloat(at, real());
                case BF16 -> to.putShort(at, (short) (Float.floatToIntBits(real()) >>> 16));
                case F16, Q8_0, Q4_0, Q2_G32 -> to.putShort(at, tameHalf());
                case Q4_K, Q5_K -> {
                    to.putShort(at, tameHalf());
                    to.putShort(at + 2, tameHalf());
                }
                case Q6_K -> to.putShort(at + 208, tameHalf());
            }
        }
        return new WeightMatrix(memory, 0, type, rows, cols);
    }

    /** The same numbers as F32, decoded by the native kernels (see DequantizationTest). */
    WeightMatrix decoded(WeightMatrix weights, NativeKernels kernels) {
        Activations values = empty(weights.rows(), weights.cols());
        int[] rows = new int[weights.rows()];
        for (int r = 0; r < rows.length; r++) {
            rows[r] = r;
        }
        kernels.embed(weights, rows, rows.length, values);
        return new WeightMatrix(values.memory(), 0, TensorType.F32, weights.rows(), weights.cols());
    }

    float real() {
        return (float) (random.nextDouble() * 2 - 1);
    }

    /** A half between 2^-9 and 2^-5, either sign. */
    private short tameHalf() {
        return (short)
                (random.nextInt(2) << 15 | (6 + random.nextInt(4)) << 10 | random.nextInt(1024));
    }

    static void fill(Activations x, float value) {
        FloatBuffer to = floats(x);
        while (to.hasRemaining()) {
            to.put(value);
        }
    }

    static FloatBuffer floats(Activations x) {
        return x.memory().buffer(x.offset(), 4 * x.rows() * x.cols()).asFloatBuffer();
    }

    static float[] values(Activations x) {
        float[] values = new float[x.rows() * x.cols()];
        floats(x).get(values);
        return values;
    }

    @Override
    public void close() {
        blocks.forEach(NativeMemory::close);
        leaks.close();
    }
}
