package io.greenroom.offload.decoder;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.greenroom.cache.trace.LayerRouting;
import io.greenroom.cache.trace.RoutingTrace;
import io.greenroom.cache.trace.RoutingTraceWriter;
import io.greenroom.cache.trace.TraceEnd;
import io.greenroom.cache.trace.TraceHeader;
import io.greenroom.cache.trace.TraceSection;
import io.greenroom.gating.RoutingDecision;
import io.greenroom.offload.kernel.Activations;
import io.greenroom.offload.kernel.JavaKernels;
import io.greenroom.offload.memory.MemoryTag;
import java.io.IOException;
import java.nio.file.Path;
import java.util.EnumSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The recorder alone: what it measures, and that it leaves out what it cannot keep up with. */
@Timeout(60)
class TraceRecorderTest {

    private static final int EXPERTS = 4;
    private static final int HIDDEN = 6;

    /** Layer 1 is dense. */
    private static final TraceHeader HEADER =
            new TraceHeader(
                    "m",
                    "f",
                    EXPERTS,
                    1,
                    3,
                    2,
                    true,
                    4096,
                    new long[] {100, 0, 100},
                    EnumSet.allOf(TraceSection.class));

    @TempDir private Path folder;
    private final JavaKernels kernels = new JavaKernels();
    private final Activations input =
            new Activations(
                    new DirectMemory(MemoryTag.ACTIVATIONS, 2 * HIDDEN * Float.BYTES),
                    0,
                    2,
                    HIDDEN);

    @Test
    void whatItMeasuresIsWhatIsInTheStep() throws IOException {
        TraceRecorder recorder = recorder(100_000).start();
        Batch batch = batch(1);
        input(3, 4, 0, 0, 0, 0);
        recorder.foreseen(0, 1, new float[] {5, 0, 4, 0});
        recorder.routed(0, batch, input, new float[] {1, 2, 0, -1}, decision(1));
        recorder.foreseen(2, 1, new float[] {0, 9, 8, 1});
        recorder.foreseen(2, 1, new float[] {0, 1, 8, 9});
        input(0, 4, 3, 0, 0, 0);
        // expert 3 ran although 0 is the likeliest: routing may yield to residents
        recorder.routed(2, batch, input, new float[] {3, 1, 2, 0}, decision(3));
        recorder.stepDone(batch);
        recorder.requestEnded(7);
        recorder.close();

        RoutingTrace trace = RoutingTrace.read(folder.resolve("t"));
        LayerRouting first = trace.steps().get(0).layers().get(0);
        LayerRouting second = trace.steps().get(0).layers().get(1);
        assertThat(trace.steps().get(0).ended()).containsExactly(7);
        assertThat(first.experts()).containsExactly(1, 0, 2);
        assertThat(second.experts()).containsExactly(3, 0, 2);
        double sum = Math.exp(3) + Math.exp(2) + Math.exp(1) + 1;
        assertThat(second.probabilities())
                .containsExactly(
                        new float[] {
                            (float) (1 / sum),
                            (float) (Math.exp(3) / sum),
                            (float) (Math.exp(2) / sum)
                        },
                        within(1e-5f));
        assertThat(first.norms()[0]).isEqualTo(5, within(0.01f));
        assertThat(first.similarities()).containsExactly(Float.NaN);
        assertThat(second.similarities()).containsExactly(new float[] {16f / 25}, within(1e-4f));
        assertThat(first.predicted()).containsExactly(0, 2);
        assertThat(second.predicted()).containsExactly(3, 2);
    }

    @Test
    void whenTheFileIsBehindWholeStepsAreDroppedAndCounted() throws IOException {
        TraceRecorder recorder = recorder(1 << 20); // its thread does not run yet
        int steps = 1000;
        for (int i = 0; i < steps; i++) {
            step(recorder, batch(1 + i % 2));
        }
        long dropped = recorder.status().dropped();
        assertThat(dropped).isBetween(900L, 999L);
        recorder.start().close();

        RoutingTrace trace = RoutingTrace.read(folder.resolve("t"));
        assertThat(trace.end())
                .contains(new TraceEnd(steps - dropped, trace.rows(), dropped, false));
        assertThat(recorder.status().state()).isEqualTo(TraceStatus.State.CLOSED);
    }

    @Test
    void aStepThatLostRowsOrWasNotFinishedIsLeftOut() throws IOException {
        TraceRecorder recorder = recorder(100_000).start();
        Batch batch = batch(2);
        recorder.routed(0, batch, input, new float[2 * EXPERTS], decision(0, 1));
        batch.fail(0, new IOException("broken"));
        batch.dropFailedRows(new float[2 * HIDDEN], HIDDEN);
        recorder.routed(2, batch, input, new float[EXPERTS], decision(1));
        recorder.stepDone(batch);
        recorder.routed(0, batch(1), input, new float[EXPERTS], decision(1)); // and never done
        step(recorder, batch(1));
        recorder.close();

        assertThat(recorder.status().dropped()).isEqualTo(2);
        assertThat(RoutingTrace.read(folder.resolve("t")).steps()).hasSize(1);
    }

    @Test
    void aFileThatCannotBeWrittenEndsTheRecordingOnly() throws IOException {
        RoutingTraceWriter writer = writer(1 << 20);
        TraceRecorder recorder = recorder(writer, 1 << 20);
        writer.close(); // as good as a disk that is gone
        recorder.start();
        while (recorder.status().state() == TraceStatus.State.RECORDING) {
            step(recorder, batch(1)); // until a chunk is full
        }
        recorder.close();
        assertThat(recorder.status().state()).isEqualTo(TraceStatus.State.FAILED);
    }

    private void step(TraceRecorder recorder, Batch batch) {
        int n = batch.rows();
        RoutingDecision decision = n == 1 ? decision(2) : decision(2, 3);
        recorder.routed(0, batch, input, new float[n * EXPERTS], decision);
        recorder.routed(2, batch, input, new float[n * EXPERTS], decision);
        recorder.stepDone(batch);
    }

    private TraceRecorder recorder(long limit) throws IOException {
        return recorder(writer(limit), limit);
    }

    private TraceRecorder recorder(RoutingTraceWriter writer, long limit) {
        return new TraceRecorder(
                HEADER, writer, limit, new TraceRecorder.Shape(HIDDEN, 2, 10, 2), kernels);
    }

    private RoutingTraceWriter writer(long limit) throws IOException {
        return RoutingTraceWriter.create(folder.resolve("t"), HEADER, limit);
    }

    /** Single rows of as many requests, 7 and up. */
    private static Batch batch(int rows) {
        Batch batch = new Batch(2, 2);
        for (int row = 0; row < rows; row++) {
            batch.addSequence(new int[] {row});
            batch.request(7 + row, false);
            batch.addRow(1, 0, false);
        }
        return batch;
    }

    private static RoutingDecision decision(int... experts) {
        return new RoutingDecision(experts.length, 1, experts, new float[experts.length]);
    }

    private void input(float... row) {
        kernels.write(row, 1, input);
    }
}
