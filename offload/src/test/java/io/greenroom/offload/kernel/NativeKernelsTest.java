package io.greenroom.offload.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import io.greenroom.offload.memory.MemoryTag;
import java.util.Arrays;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Each operation on each instruction set against its plain Java twin, which sums in doubles. What
 * is asked for is agreement to 2e-5 of the largest result: sums of some hundred float32 products in
 * 16 or more lanes err by at most 50 units in the last place of the sum of their magnitudes. The
 * tests in C++ derive the bound element by element.
 */
class NativeKernelsTest {

    private static final double TOLERANCE = 2e-5;

    private final long seed = ThreadLocalRandom.current().nextLong();
    private final JavaKernels reference = new JavaKernels();

    static Set<KernelIsa> isas() {
        return NativeKernels.availableIsas();
    }

    static Stream<Arguments> isasAndTypes() {
        return isas().stream()
                .flatMap(
                        isa ->
                                Arrays.stream(TensorType.values())
                                        .map(type -> Arguments.of(isa, type)));
    }

    private static NativeKernels kernels(KernelIsa isa) {
        return new NativeKernels(2, isa, ActivationPrecision.FLOAT32);
    }

    @ParameterizedTest
    @MethodSource("isasAndTypes")
    void multiplies(KernelIsa isa, TensorType type) {
        try (TestMemory memory = new TestMemory(seed);
                NativeKernels kernels = kernels(isa)) {
            WeightMatrix w = memory.weights(type, 70, 512);
            Activations bias = memory.random(1, 70);
            for (int n : new int[] {1, 2, 9}) {
                Activations x = memory.random(n, 512);
                Activations expected = memory.empty(n, 70);
                Activations actual = memory.empty(n, 70);
                reference.matmul(memory.decoded(w, kernels), x, n, bias, expected);
                kernels.matmul(w, x, n, bias, actual);
                assertClose(actual, expected);
                reference.matmul(memory.decoded(w, kernels), x, n, null, expected);
                kernels.matmul(w, x, n, null, actual);
                assertClose(actual, expected);
            }
        }
    }

    /** The opt-in lossy mode: near the exact one, and the exact one where it does not apply. */
    @ParameterizedTest
    @MethodSource("isasAndTypes")
    void multipliesInEightBitsWhenAsked(KernelIsa isa, TensorType type) {
        try (TestMemory memory = new TestMemory(seed);
                NativeKernels exact = kernels(isa);
                NativeKernels rounding = new NativeKernels(2, isa, ActivationPrecision.INT8)) {
            WeightMatrix w = memory.weights(type, 70, 512);
            Activations x = memory.random(9, 512);
            Activations expected = memory.empty(9, 70);
            Activations actual = memory.empty(9, 70);
            exact.matmul(w, x, 9, null, expected);
            rounding.matmul(w, x, 9, null, actual);
            assertThat(rounding.describe()).startsWith(isa.label() + " with int8");
            if (type == TensorType.Q8_0 || type == TensorType.Q4_0) {
                // Half a step of 1 / 127 per element, in random directions.
                assertClose(actual, expected, 0.01);
                assertThat(TestMemory.values(actual)).isNotEqualTo(TestMemory.values(expected));
            } else {
                assertThat(TestMemory.values(actual)).isEqualTo(TestMemory.values(expected));
            }
        }
    }

    @ParameterizedTest
    @MethodSource("isasAndTypes")
    void feedsForward(KernelIsa isa, TensorType type) {
        try (TestMemory memory = new TestMemory(seed);
                NativeKernels kernels = kernels(isa)) {
            WeightMatrix gate = memory.weights(type, 512, 256);
            WeightMatrix up = memory.weights(type, 512, 256);
            WeightMatrix down = memory.weights(type, 256, 512);
            Activations x = memory.random(7, 256);
            Activations expected = memory.random(5, 256);
            Activations actual = memory.copy(expected);
            int[] rows = {6, 0, 6, 99};
            int[] outRows = {4, 0, 2, 99};
            reference.feedForward(
                    memory.decoded(gate, kernels),
                    memory.decoded(up, kernels),
                    memory.decoded(down, kernels),
                    x,
                    rows,
                    outRows,
                    3,
                    expected);
            kernels.feedForward(gate, up, down, x, rows, outRows, 3, actual);
            assertClose(actual, expected);
        }
    }

    @ParameterizedTest
    @MethodSource("isas")
    void attends(KernelIsa isa) {
        try (TestMemory memory = new TestMemory(seed);
                NativeKernels kernels = kernels(isa)) {
            // Halves of these are exact, so both caches hold the same numbers.
            Activations k = onGrid(memory, memory.random(40, 2 * 64));
            Activations v = onGrid(memory, memory.random(40, 2 * 64));
            Activations q = memory.random(3, 6 * 64);
            int[] cells = new int[40];
            int[][] pages = {{3, 0, 6}, {5, 1}};
            for (int i = 0; i < 40; i++) {
                // The first 24 rows belong to sequence 0, the others to sequence 1.
                int position = i < 24 ? i : i - 24;
                cells[i] = pages[i < 24 ? 0 : 1][position / 8] * 8 + position % 8;
            }
            int[] positions = {23, 15, 0};
            int[] sequences = {0, 1, 0};
            Activations expected = memory.empty(3, 6 * 64);
            KvPages floats = cache(memory, KvPages.Type.F32);
            reference.storeKv(floats, 1, k, v, 40, cells);
            reference.attention(floats, 1, q, 3, 6, positions, sequences, pages, expected);
            for (KvPages.Type type : KvPages.Type.values()) {
                KvPages cache = cache(memory, type);
                Activations actual = memory.empty(3, 6 * 64);
                kernels.storeKv(cache, 1, k, v, 40, cells);
                kernels.attention(cache, 1, q, 3, 6, positions, sequences, pages, actual);
                assertClose(actual, expected);
            }
        }
    }

    private static KvPages cache(TestMemory memory, KvPages.Type type) {
        long bytes = KvPages.bytesFor(type, 2, 7, 8, 2, 64);
        return new KvPages(memory.block(MemoryTag.KV_CACHE, bytes), type, 2, 7, 8, 2, 64);
    }

    private static Activations onGrid(TestMemory memory, Activations x) {
        float[] values = TestMemory.values(x);
        for (int i = 0; i < values.length; i++) {
            values[i] = Math.round(values[i] * 256) / 256f;
        }
        Activations result = memory.empty(x.rows(), x.cols());
        TestMemory.floats(result).put(values);
        return result;
    }

    @ParameterizedTest
    @MethodSource("isas")
    void normalises(KernelIsa isa) {
        try (TestMemory memory = new TestMemory(seed);
                NativeKernels kernels = kernels(isa)) {
            Activations x = memory.random(3, 300);
            Activations weight = memory.random(1, 300);
            Activations expected = memory.empty(3, 300);
            Activations actual = memory.empty(3, 300);
            reference.rmsNorm(x, 3, weight, 1e-6f, expected);
            kernels.rmsNorm(x, 3, weight, 1e-6f, actual);
            assertClose(actual, expected);
            kernels.rmsNorm(x, 3, weight, 1e-6f, x);
            assertThat(TestMemory.values(x)).isEqualTo(TestMemory.values(actual));
        }
    }

    @ParameterizedTest
    @MethodSource("isas")
    void rotates(KernelIsa isa) {
        try (TestMemory memory = new TestMemory(seed);
                NativeKernels kernels = kernels(isa)) {
            for (boolean adjacent : new boolean[] {false, true}) {
                Activations table = memory.random(20, 16);
                Activations expected = memory.random(4, 3 * 16);
                Activations actual = memory.copy(expected);
                int[] positions = {0, 19, 7, 7};
                reference.rope(expected, 4, 3, 16, positions, table, adjacent);
                kernels.rope(actual, 4, 3, 16, positions, table, adjacent);
                assertThat(TestMemory.values(actual)).isEqualTo(TestMemory.values(expected));
            }
        }
    }

    @ParameterizedTest
    @MethodSource("isas")
    void addsClampsAndCombines(KernelIsa isa) {
        try (TestMemory memory = new TestMemory(seed);
                NativeKernels kernels = kernels(isa)) {
            Activations expected = memory.random(4, 333);
            Activations actual = memory.copy(expected);
            Activations other = memory.random(4, 333);
            Activations partial = memory.random(12, 333);
            Activations gate = memory.random(4, 1);
            float[] weights = new float[12];
            for (int i = 0; i < weights.length; i++) {
                weights[i] = memory.real();
            }
            for (Kernels twin : new Kernels[] {reference, kernels}) {
                Activations x = twin == reference ? expected : actual;
                twin.add(x, other, 3);
                twin.combine(x, partial, weights, 4, 3);
                twin.addGated(x, other, gate, 4);
                twin.clamp(x, 4, 0.75f);
            }
            assertClose(actual, expected);
        }
    }

    @ParameterizedTest
    @MethodSource("isas")
    void movesFloatsInAndOut(KernelIsa isa) {
        try (TestMemory memory = new TestMemory(seed);
                NativeKernels kernels = kernels(isa)) {
            Activations x = memory.empty(3, 5);
            float[] values = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
            kernels.write(values, 2, x);
            assertThat(TestMemory.values(x)[9]).isEqualTo(10);
            assertThat(TestMemory.values(x)[10]).isNaN();
            float[] back = new float[12];
            kernels.read(x, 2, back);
            assertThat(back).startsWith(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 0, 0);
        }
    }

    private void assertClose(Activations actual, Activations expected) {
        assertClose(actual, expected, TOLERANCE);
    }

    private void assertClose(Activations actual, Activations expected, double tolerance) {
        float[] wanted = TestMemory.values(expected);
        float[] found = TestMemory.values(actual);
        double largest = 0;
        for (float value : wanted) {
            largest = Math.max(largest, Math.abs(value));
        }
        for (int i = 0; i < wanted.length; i++) {
            assertThat(Math.abs((double) found[i] - wanted[i]))
                    .as("element %s: %s, wanted %s, seed %s", i, found[i], wanted[i], seed)
                    .isLessThanOrEqualTo(tolerance * largest);
        }
    }
}
