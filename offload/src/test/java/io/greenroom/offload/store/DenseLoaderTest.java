package io.greenroom.offload.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.greenroom.offload.kernel.TensorType;
import io.greenroom.offload.kernel.WeightMatrix;
import io.greenroom.offload.memory.LeakCheck;
import io.greenroom.offload.memory.MemoryTag;
import io.greenroom.offload.memory.NativeAllocator;
import io.greenroom.offload.store.ModelSpec.Family;
import io.greenroom.offload.store.TinyModel.ExpertNames;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Dense weights arrive as they are on disk, and as floats. */
class DenseLoaderTest {

    private static final TinyModel MODEL = TinyModel.of(Family.QWEN2_MOE);

    private final NativeAllocator allocator = new NativeAllocator();
    private LeakCheck leaks;

    @TempDir Path folder;

    @BeforeEach
    void noteMemory() {
        leaks = new LeakCheck(allocator);
    }

    @AfterEach
    void allMemoryIsHome() {
        leaks.close();
    }

    @ParameterizedTest
    @CsvSource({"F32,true", "F32,false", "F16,true", "BF16,true", "BF16,false"})
    void everyTensorIsLoaded(String dtype, boolean direct) throws Exception {
        TensorType type = TensorType.valueOf(dtype);
        MODEL.huggingFace(folder, dtype, ExpertNames.FUSED);
        Checkpoint checkpoint = Checkpoints.open(folder);
        List<Long> progress = new ArrayList<>();
        long total = DenseLoader.denseBytes(checkpoint);
        try (DenseLoader loader =
                new DenseLoader(
                        checkpoint,
                        allocator,
                        direct,
                        (done, all) -> {
                            assertThat(all).isEqualTo(total);
                            progress.add(done);
                        })) {
            for (TensorSpan span : checkpoint.tensors()) {
                byte[] expected = MODEL.data(span.name(), type, MODEL.shapes().get(span.name()));
                WeightMatrix matrix = loader.load(span);
                byte[] found = new byte[expected.length];
                matrix.memory().buffer(matrix.offset(), found.length).get(found);
                assertThat(found).as(span.name()).isEqualTo(expected);
                assertThat(matrix.type()).isEqualTo(type);
                assertThat(matrix.memory().tag()).isEqualTo(MemoryTag.DENSE_WEIGHTS);
                matrix.memory().close();
            }
            assertThat(progress).isSorted().endsWith(total);
            assertThat(loader.floats(checkpoint.tensor("blk.1.ffn_norm.weight").orElseThrow()))
                    .isEqualTo(floats(MODEL.data("blk.1.ffn_norm.weight", TensorType.F32, 64)));
            assertThat(loader.floats(checkpoint.tensor("blk.0.ffn_gate_inp.weight").orElseThrow()))
                    .isEqualTo(
                            floats(MODEL.data("blk.0.ffn_gate_inp.weight", TensorType.F32, 4, 64)));
        }
    }

    private static float[] floats(byte[] bytes) {
        float[] floats = new float[bytes.length / 4];
        ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().get(floats);
        return floats;
    }

    @Test
    void quantisedTensorsAreNotFloats() throws Exception {
        MODEL.huggingFace(folder, "F32", ExpertNames.FUSED);
        Checkpoint checkpoint = Checkpoints.open(folder);
        TensorSpan span = new TensorSpan("q", folder, 0, 34, TensorType.Q8_0, 1, 32);
        try (DenseLoader loader = new DenseLoader(checkpoint, allocator, true, (d, t) -> {})) {
            assertThatThrownBy(() -> loader.floats(span))
                    .hasMessage("q of type Q8_0 cannot be read as floats");
        }
    }

    @Test
    void aFileCutShortGivesItsMemoryBack() throws Exception {
        MODEL.huggingFace(folder, "F32", ExpertNames.FUSED);
        Checkpoint checkpoint = Checkpoints.open(folder);
        TensorSpan span = checkpoint.tensor("blk.1.ffn_norm.weight").orElseThrow();
        try (FileChannel file = FileChannel.open(span.file(), StandardOpenOption.WRITE)) {
            file.truncate(span.offset());
        }
        try (DenseLoader loader = new DenseLoader(checkpoint, allocator, true, (d, t) -> {})) {
            assertThatThrownBy(() -> loader.load(span))
                    .isInstanceOf(IOException.class)
                    .hasMessageContaining("model.safetensors: wanted ")
                    .hasMessageContaining("the file was cut short to " + span.offset() + " bytes");
        }
    }

    /** All 65,536 of both formats, against the definition in exact arithmetic. */
    @Test
    void everyHalfIsWidenedExactly() {
        for (int bits = 0; bits < 1 << 16; bits++) {
            int exponent = bits >> 10 & 0x1F;
            int mantissa = bits & 0x3FF;
            double magnitude =
                    exponent == 0x1F
                            ? mantissa == 0 ? Double.POSITIVE_INFINITY : Double.NaN
                            : exponent == 0
                                    ? mantissa * Math.pow(2, -24)
                                    : (1024 + mantissa) * Math.pow(2, exponent - 25);
            float expected = (float) (bits < 1 << 15 ? magnitude : -magnitude);
            // comparing as objects tells 0.0 from -0.0, and takes NaN for NaN
            assertThat((Float) HalfFloat.fromF16((short) bits)).isEqualTo((Float) expected);
            float brain = HalfFloat.fromBf16((short) bits);
            assertThat(Float.floatToRawIntBits(brain)).isEqualTo(bits << 16);
        }
    }
}
