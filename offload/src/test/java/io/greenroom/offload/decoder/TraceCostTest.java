package io.greenroom.offload.decoder;

import static org.assertj.core.api.Assertions.assertThat;

import io.greenroom.cache.trace.RoutingTraceWriter;
import io.greenroom.cache.trace.TraceHeader;
import io.greenroom.cache.trace.TraceSection;
import io.greenroom.gating.Gate;
import io.greenroom.gating.RoutingDecision;
import io.greenroom.gating.SoftmaxTopKGate;
import io.greenroom.offload.kernel.ActivationPrecision;
import io.greenroom.offload.kernel.Activations;
import io.greenroom.offload.kernel.NativeKernels;
import io.greenroom.offload.memory.MemoryTag;
import io.greenroom.offload.memory.NativeAllocator;
import io.greenroom.offload.memory.NativeMemory;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.Locale;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * What recording takes of the decoder's thread for a step of one row, in processor time, which
 * other work on the machine changes little. Prints it; run with
 *
 * <pre>
 * mvn -pl offload -am test -Dtest=TraceCostTest -Dgreenroom.measure=true \
 *     -Dsurefire.failIfNoSpecifiedTests=false
 * </pre>
 */
@EnabledIfSystemProperty(named = "greenroom.measure", matches = "true")
class TraceCostTest {

    private static final int WARM_UP = 300;
    private static final int STEPS = 1000;
    private static final long PACE_NANOS = TimeUnit.MILLISECONDS.toNanos(5);

    @TempDir private Path folder;

    @ParameterizedTest
    @CsvSource({"OLMoE-1B-7B, 16, 64, 8, 2048", "Qwen3-30B-A3B, 48, 128, 8, 2048"})
    void processorTimeOfAStep(String name, int layers, int experts, int k, int hidden)
            throws Exception {
        long[] expertBytes = new long[layers];
        Arrays.fill(expertBytes, 1 << 20);
        TraceHeader header =
                new TraceHeader(
                        name,
                        "",
                        experts,
                        k,
                        2 * k,
                        2 * k,
                        true,
                        1 << 20,
                        expertBytes,
                        EnumSet.allOf(TraceSection.class));
        NativeAllocator allocator = new NativeAllocator();
        try (NativeKernels kernels = new NativeKernels(1, ActivationPrecision.FLOAT32);
                NativeMemory memory = allocator.allocate(MemoryTag.ACTIVATIONS, 4L * hidden, 64)) {
            Activations input = new Activations(memory, 0, 1, hidden);
            kernels.write(new float[hidden], 1, input);
            long limit = 1L << 30;
            TraceRecorder recorder =
                    new TraceRecorder(
                                    header,
                                    RoutingTraceWriter.create(folder.resolve(name), header, limit),
                                    limit,
                                    new TraceRecorder.Shape(hidden, 8, 136, 8),
                                    kernels)
                            .start();
            double micros = run(recorder, new SoftmaxTopKGate(experts, k, true), layers, input);
            recorder.close();
            TraceStatus status = recorder.status();
            System.out.printf(
                    Locale.ROOT,
                    "%s: %.0f us of the decoder's thread for a token, %d bytes in the file,"
                            + " %d steps dropped%n",
                    name,
                    micros,
                    status.bytes() / status.steps(),
                    status.dropped());
            assertThat(status.steps() + status.dropped()).isEqualTo(WARM_UP + STEPS);
        }
    }

    /** Steps at the pace of a fast decoder, so that the writing thread keeps up. */
    private static double run(TraceRecorder recorder, Gate gate, int layers, Activations input) {
        ThreadMXBean threads = ManagementFactory.getThreadMXBean();
        Batch batch = new Batch(1, 1);
        batch.addSequence(new int[] {0});
        batch.request(0, false);
        batch.addRow(0, 1, false);
        Random random = new Random(1);
        float[] logits = new float[gate.experts()];
        long nanos = 0;
        for (int step = 0; step < WARM_UP + STEPS; step++) {
            for (int layer = 0; layer < layers; layer++) {
                for (int i = 0; i < logits.length; i++) {
                    logits[i] = (float) random.nextGaussian();
                }
                RoutingDecision decision = gate.route(logits, 1);
                long begin = threads.getCurrentThreadCpuTime();
                recorder.foreseen(layer, 1, logits);
                recorder.routed(layer, batch, input, logits, decision);
                nanos += step < WARM_UP ? 0 : threads.getCurrentThreadCpuTime() - begin;
            }
            recorder.stepDone(batch);
            LockSupport.parkNanos(PACE_NANOS);
        }
        return nanos / 1e3 / STEPS;
    }
}
