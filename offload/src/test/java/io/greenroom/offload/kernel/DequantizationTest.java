package io.greenroom.offload.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import io.greenroom.offload.memory.MemoryTag;
import io.greenroom.offload.memory.NativeAllocator;
import io.greenroom.offload.memory.NativeMemory;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Every weight format against vectors that gguf-py decoded, bit for bit, on every ISA. */
class DequantizationTest {

    static Stream<Arguments> formats() {
        return NativeKernels.availableIsas().stream()
                .flatMap(
                        isa ->
                                Arrays.stream(TensorType.values())
                                        .filter(type -> type != TensorType.F32)
                                        .map(type -> Arguments.of(isa, type)));
    }

    @ParameterizedTest
    @MethodSource("formats")
    void decodesAsGgufPyDoes(KernelIsa isa, TensorType type) {
        String name = "/dequant/" + type.name().toLowerCase(Locale.ROOT);
        byte[] blocks = resource(name + ".blocks");
        float[] expected = floats(resource(name + ".f32"));
        int elements = blocks.length / type.blockBytes() * type.blockElements();
        assertThat(elements).isEqualTo(expected.length).isPositive();

        NativeAllocator allocator = new NativeAllocator();
        try (NativeMemory weights =
                        allocator.allocate(MemoryTag.DENSE_WEIGHTS, blocks.length + 1, 64);
                NativeMemory result = allocator.allocate(MemoryTag.ACTIVATIONS, 4L * elements, 64);
                NativeKernels kernels = new NativeKernels(1, isa, ActivationPrecision.FLOAT32)) {
            weights.buffer(1, blocks.length).put(blocks); // an odd address
            Activations out = new Activations(result, 0, 1, elements);
            kernels.embed(new WeightMatrix(weights, 1, type, 1, elements), new int[] {0}, 1, out);
            float[] actual = new float[elements];
            kernels.read(out, 1, actual);
            assertThat(bits(actual)).isEqualTo(bits(expected));
        }
    }

    private static int[] bits(float[] values) {
        int[] bits = new int[values.length];
        for (int i = 0; i < bits.length; i++) {
            bits[i] = Float.floatToRawIntBits(values[i]);
        }
        return bits;
    }

    private static float[] floats(byte[] bytes) {
        float[] values = new float[bytes.length / 4];
        ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().get(values);
        return values;
    }

    private static byte[] resource(String name) {
        try (InputStream in = DequantizationTest.class.getResourceAsStream(name)) {
            return in.readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
