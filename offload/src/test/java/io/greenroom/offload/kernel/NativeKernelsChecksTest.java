package io.greenroom.offload.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.greenroom.offload.memory.MemoryTag;
import io.greenroom.offload.memory.NativeMemory;
import java.util.EnumSet;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What is refused before native code runs, with which words. */
class NativeKernelsChecksTest {

    private final TestMemory memory = new TestMemory(1);
    private final NativeKernels kernels = new NativeKernels(2);

    private final Activations x = memory.random(3, 64);
    private final Activations out = memory.empty(3, 8);
    private final WeightMatrix w = memory.weights(TensorType.Q8_0, 8, 64);
    private final KvPages cache =
            new KvPages(
                    memory.block(
                            MemoryTag.KV_CACHE, KvPages.bytesFor(KvPages.Type.F16, 1, 2, 4, 2, 8)),
                    KvPages.Type.F16,
                    1,
                    2,
                    4,
                    2,
                    8);

    @AfterEach
    void close() {
        kernels.close();
        memory.close();
    }

    private static void refused(ThrowingCallable call, String message) {
        assertThatThrownBy(call).isInstanceOf(IllegalArgumentException.class).hasMessage(message);
    }

    private static void outside(ThrowingCallable call, String message) {
        assertThatThrownBy(call).isInstanceOf(IndexOutOfBoundsException.class).hasMessage(message);
    }

    @Test
    void matmul() {
        outside(() -> kernels.matmul(w, x, 4, null, out), "matmul: 4 rows asked of 3");
        outside(() -> kernels.matmul(w, x, -1, null, out), "matmul: -1 rows asked of 3");
        refused(
                () -> kernels.matmul(w, x.reshape(6, 32), 1, null, out),
                "matmul: width of x is 32, columns of w is 64");
        refused(
                () -> kernels.matmul(w, x, 1, null, memory.empty(3, 9)),
                "matmul: width of out is 9, rows of w is 8");
        refused(
                () -> kernels.matmul(w, x, 1, memory.empty(1, 7), out),
                "matmul: width of the bias is 7, rows of w is 8");
        refused(
                () -> kernels.matmul(w, x, 2, null, new Activations(x.memory(), 64 * 4, 2, 8)),
                "matmul: x and out overlap");
    }

    @Test
    void embed() {
        Activations rows = memory.empty(2, 64);
        outside(
                () -> kernels.embed(w, new int[] {0, 8}, 2, rows),
                "embed: tokens[1] is 8, must be 0 to 7");
        outside(
                () -> kernels.embed(w, new int[] {-1}, 1, rows),
                "embed: tokens[0] is -1, must be 0 to 7");
        refused(
                () -> kernels.embed(w, new int[] {1}, 2, rows),
                "embed: tokens has 1 entries, needs 2");
        refused(
                () -> kernels.embed(w, new int[] {1}, 1, out),
                "embed: width of out is 8, width of the table is 64");
    }

    @Test
    void rope() {
        Activations table = memory.random(5, 32);
        outside(
                () -> kernels.rope(x, 1, 2, 32, new int[] {5}, table, false),
                "rope: positions[0] is 5, must be 0 to 4");
        refused(
                () -> kernels.rope(x, 1, 3, 32, new int[] {0}, table, false),
                "rope: width of x is 64, heads * headDim is 96");
        refused(
                () -> kernels.rope(x, 1, 64, 1, new int[] {0}, table, false),
                "rope: headDim must be even, got 1");
    }

    @Test
    void cacheAndAttention() {
        Activations k = memory.random(2, 16);
        outside(
                () -> kernels.storeKv(cache, 0, k, k, 1, new int[] {8}),
                "storeKv: cells[0] is 8, must be 0 to 7");
        outside(() -> kernels.storeKv(cache, 1, k, k, 1, new int[] {0}), "storeKv: layer 1 of 1");
        Activations q = memory.random(1, 32);
        Activations attended = memory.empty(1, 32);
        int[] zero = {0};
        outside(
                () ->
                        kernels.attention(
                                cache,
                                0,
                                q,
                                1,
                                4,
                                zero,
                                new int[] {1},
                                new int[][] {{0}},
                                attended),
                "attention: sequences[0] is 1, must be 0 to 0");
        outside(
                () ->
                        kernels.attention(
                                cache,
                                0,
                                q,
                                1,
                                4,
                                new int[] {4},
                                zero,
                                new int[][] {{0}},
                                attended),
                "attention: sequence 0 has 1 pages, its positions need 2");
        outside(
                () -> kernels.attention(cache, 0, q, 1, 4, zero, zero, new int[][] {{2}}, attended),
                "attention: page 0 of sequence 0 is 2, must be 0 to 1");
        outside(
                () ->
                        kernels.attention(
                                cache,
                                0,
                                q,
                                1,
                                4,
                                new int[] {8},
                                zero,
                                new int[][] {{0}},
                                attended),
                "attention: positions[0] is 8, must be 0 to 7");
        refused(
                () -> kernels.attention(cache, 0, q, 1, 3, zero, zero, new int[][] {{0}}, attended),
                "attention: 3 heads cannot share 2 kvHeads");
        refused(
                () -> kernels.attention(cache, 0, q, 1, 4, zero, zero, new int[][] {{0}}, q),
                "attention: q and out overlap");
    }

    @Test
    void feedForward() {
        WeightMatrix up = memory.weights(TensorType.Q8_0, 64, 64);
        Activations result = memory.empty(3, 64);
        outside(
                () -> kernels.feedForward(up, up, up, x, new int[] {3}, new int[] {0}, 1, result),
                "feedForward: rows[0] is 3, must be 0 to 2");
        refused(
                () ->
                        kernels.feedForward(
                                up, up, up, x, new int[] {0, 1}, new int[] {2, 2}, 2, result),
                "feedForward: outRows names row 2 twice");
        refused(
                () -> kernels.feedForward(up, w, up, x, new int[1], new int[1], 1, result),
                "feedForward: rows of up is 8, rows of gate is 64");
        refused(
                () -> kernels.feedForward(w, w, up, x, new int[1], new int[1], 1, result),
                "feedForward: columns of down is 64, rows of gate is 8");
    }

    @Test
    void theRest() {
        refused(() -> kernels.clamp(x, 1, -1), "clamp: the limit must be at least 0, got -1.0");
        refused(
                () -> kernels.clamp(x, 1, Float.NaN),
                "clamp: the limit must be at least 0, got NaN");
        refused(() -> kernels.add(x, out, 1), "add: width of y is 8, width of x is 64");
        outside(() -> kernels.combine(x, x, new float[9], 2, 2), "combine: 4 rows asked of 3");
        refused(
                () -> kernels.combine(x, x, new float[1], 1, 2),
                "combine: weights has 1 entries, needs 2");
        refused(
                () -> kernels.combine(x, x, new float[1], 1, 0),
                "combine: k must be at least 1, got 0");
        refused(
                () -> kernels.addGated(x, x, out, 1),
                "addGated: width of gate is 8, one logit per row is 1");
        refused(
                () -> kernels.rmsNorm(x, 1, out, 1e-6f, x),
                "rmsNorm: width of the weight is 8, width of x is 64");
        refused(
                () -> kernels.read(x, 1, new float[63]),
                "read: the array has 63 entries, needs 64");
        refused(
                () -> kernels.write(new float[63], 1, x),
                "write: the array has 63 entries, needs 64");
    }

    @Test
    void closedMemoryIsRefused() {
        Activations gone = memory.random(1, 64);
        gone.memory().close();
        assertThatThrownBy(() -> kernels.matmul(w, gone, 1, null, out))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("ACTIVATIONS memory of 256 bytes is closed");
    }

    @Test
    void threadsAndInstructionSets() {
        refused(() -> new NativeKernels(0), "Kernel threads must be 1 to 1024, got 0");
        Set<KernelIsa> few = EnumSet.of(KernelIsa.SCALAR, KernelIsa.AVX2);
        assertThat(KernelIsa.choose(null, few)).isEqualTo(KernelIsa.AVX2);
        assertThat(KernelIsa.choose(" Scalar ", few)).isEqualTo(KernelIsa.SCALAR);
        for (String wish : new String[] {"avx512", "neon"}) {
            refused(
                    () -> KernelIsa.choose(wish, few),
                    "Instruction set \""
                            + wish
                            + "\" (greenroom.kernel.isa) cannot run here; this processor and build"
                            + " have: scalar, avx2");
        }
        assertThat(NativeKernels.availableIsas()).contains(KernelIsa.SCALAR);
    }

    @Test
    void theSystemPropertyChooses() {
        System.setProperty(KernelIsa.PROPERTY, "scalar");
        try (NativeKernels chosen = new NativeKernels(1)) {
            assertThat(chosen.isa()).isEqualTo(KernelIsa.SCALAR);
            assertThat(chosen.describe()).isEqualTo("scalar, 1 thread");
        } finally {
            System.clearProperty(KernelIsa.PROPERTY);
        }
    }

    @Test
    void closingRefusesNewCallsAndWaitsForOldOnes() throws InterruptedException {
        NativeKernels closing = new NativeKernels(1);
        WeightMatrix large = memory.weights(TensorType.F32, 2000, 1024);
        Activations input = memory.random(3, 1024);
        NativeMemory results = memory.block(MemoryTag.ACTIVATIONS, 4L * 3 * 2000 * 2);
        CountDownLatch running = new CountDownLatch(2);
        AtomicInteger refused = new AtomicInteger();
        Thread[] callers = new Thread[2];
        for (int i = 0; i < callers.length; i++) {
            Activations mine = new Activations(results, 4L * 3 * 2000 * i, 3, 2000);
            callers[i] =
                    new Thread(
                            () -> {
                                try {
                                    while (true) {
                                        closing.matmul(large, input, 3, null, mine);
                                        running.countDown();
                                    }
                                } catch (IllegalStateException e) {
                                    assertThat(e).hasMessage("The kernels are closed");
                                    refused.incrementAndGet();
                                }
                            });
            callers[i].start();
        }
        assertThat(running.await(60, TimeUnit.SECONDS)).isTrue();
        closing.close();
        closing.close();
        for (Thread caller : callers) {
            caller.join();
        }
        assertThat(refused).hasValue(2);
    }
}
