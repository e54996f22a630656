package io.greenroom.offload.decoder;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.greenroom.cache.ByteSize;
import io.greenroom.cache.ExpertBudget;
import io.greenroom.cache.trace.LayerRouting;
import io.greenroom.cache.trace.RoutingTrace;
import io.greenroom.cache.trace.TraceHeader;
import io.greenroom.cache.trace.TraceSection;
import io.greenroom.cache.trace.TraceStep;
import io.greenroom.cache.trace.TraceStep.Phase;
import io.greenroom.cache.trace.TraceStep.Sequence;
import io.greenroom.gating.residency.RoutingDial;
import io.greenroom.offload.kernel.TensorType;
import io.greenroom.offload.store.Checkpoint;
import io.greenroom.offload.store.Checkpoints;
import io.greenroom.offload.store.ModelSpec.Family;
import io.greenroom.offload.store.TinyModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What a loaded model records of its routing, and what goes on when it cannot. */
@Timeout(120)
class TraceRecordingTest {

    private static final int VOCABULARY = 48;
    private static final int EXPERTS = 12;
    private static final int LAYERS = 3;
    private static final int K = TinyModel.EXPERTS_PER_TOKEN;

    private final ModelHarness harness = new ModelHarness();
    @TempDir private Path folder;
    private Path file = Path.of("");
    private @Nullable Checkpoint opened;

    @BeforeEach
    void writeModel() throws IOException {
        TinyModel tiny =
                new TinyModel(
                        Family.QWEN3_MOE, LAYERS, 64, 32, EXPERTS, VOCABULARY, TensorType.F32, 11);
        opened = Checkpoints.open(tiny.gguf().write(folder.resolve("tiny.gguf")));
        file = folder.resolve("routing.trace");
    }

    @AfterEach
    void allMemoryComesHome() {
        harness.close();
    }

    @Test
    void aGenerationIsRecordedStepByStep() throws Exception {
        int[] prompt = ModelHarness.prompt(3, 20, VOCABULARY);
        List<Integer> expected;
        try (ServingModel model = harness.load(checkpoint(), options(null))) {
            RecordingListener listener = ModelHarness.generate(model, prompt, 6);
            listener.await();
            expected = listener.tokens();
        }
        try (ServingModel model = harness.load(checkpoint(), options(trace(0)))) {
            RecordingListener listener = ModelHarness.generate(model, prompt, 6);
            listener.await();
            assertThat(listener.tokens()).isEqualTo(expected);
            assertThat(status(model).state()).isEqualTo(TraceStatus.State.RECORDING);
        }

        RoutingTrace trace = RoutingTrace.read(file);

        TraceHeader header = trace.header();
        assertThat(header.model()).isEqualTo("tiny");
        assertThat(header.fingerprint()).hasSize(32);
        assertThat(header.moeLayers()).containsExactly(0, 1, 2);
        assertThat(List.of(header.experts(), header.expertsPerToken(), header.topSet()))
                .containsExactly(EXPERTS, K, 2 * K);
        assertThat(header.expertBytes()).containsOnly(3 * 32 * 64 * Float.BYTES);
        assertThat(header.slotBytes()).isGreaterThanOrEqualTo(header.expertBytes()[0]);
        assertThat(header.sections())
                .containsExactlyInAnyOrder(
                        TraceSection.PROBABILITIES, TraceSection.NORMS, TraceSection.SIMILARITIES);
        // the prompt in chunks of 16, then each token but the last, which is never fed back
        assertThat(trace.steps())
                .extracting(step -> step.sequences().get(0))
                .containsExactly(
                        new Sequence(0, 16, Phase.PREFILL, true),
                        new Sequence(0, 4, Phase.PREFILL, false),
                        new Sequence(0, 1, Phase.DECODE, false),
                        new Sequence(0, 1, Phase.DECODE, false),
                        new Sequence(0, 1, Phase.DECODE, false),
                        new Sequence(0, 1, Phase.DECODE, false),
                        new Sequence(0, 1, Phase.DECODE, false));
        assertThat(trace.steps())
                .extracting(step -> step.ended().length)
                .containsExactly(0, 0, 0, 0, 0, 0, 1);
        assertThat(trace.end().orElseThrow().dropped()).isZero();
    }

    /** Rows are independent, so the two ways of reading a text must route it alike. */
    @Test
    void chunksAndSingleTokensAreRoutedAlike() throws Exception {
        int[] text = ModelHarness.prompt(5, 24, VOCABULARY);
        try (ServingModel model = harness.load(checkpoint(), options(trace(EXPERTS)))) {
            evaluate(model, text, text.length);
            evaluate(model, text, 0);
        }
        RoutingTrace trace = RoutingTrace.read(file);

        List<TraceStep> chunks = ofRequest(trace, 0);
        List<TraceStep> tokens = ofRequest(trace, 1);
        assertThat(chunks).hasSize(2);
        assertThat(tokens).hasSize(24).allMatch(TraceStep::decodeOnly);
        for (int layer = 0; layer < LAYERS; layer++) {
            assertThat(column(chunks, layer)).isEqualTo(column(tokens, layer));
        }
        for (TraceStep step : trace.steps()) {
            for (int layer = 0; layer < LAYERS; layer++) {
                assertSound(step.layers().get(layer), layer, step.rows());
            }
        }
    }

    private static void assertSound(LayerRouting layer, int index, int rows) {
        assertThat(layer.experts()).hasSize(rows * EXPERTS);
        for (int row = 0; row < rows; row++) {
            float sum = 0;
            for (int i = row * EXPERTS; i < (row + 1) * EXPERTS; i++) {
                sum += layer.probabilities()[i];
                assertThat(i % EXPERTS == 0 ? 1 : layer.probabilities()[i - 1])
                        .isGreaterThanOrEqualTo(layer.probabilities()[i]);
            }
            assertThat(sum).isEqualTo(1, within(1e-3f));
            assertThat(layer.norms()[row]).isPositive();
            if (index == 0) {
                assertThat(layer.similarities()[row]).isNaN();
            } else {
                assertThat(layer.similarities()[row]).isBetween(-1f, 1f);
            }
        }
    }

    @Test
    void predictionsAreRecordedWhereTheyWereMade() throws Exception {
        ModelOptions options = options(trace(0), ModelOptions.Prefetch.ON);
        try (ServingModel model = harness.load(checkpoint(), options)) {
            ModelHarness.generate(model, ModelHarness.prompt(1, 16, VOCABULARY), 8).await();
        }
        RoutingTrace trace = RoutingTrace.read(file);
        assertThat(trace.header().predictedSet()).isEqualTo(2 * K);
        assertThat(trace.steps()).anyMatch(TraceStep::decodeOnly);
        for (TraceStep step : trace.steps()) {
            for (LayerRouting layer : step.layers()) {
                assertThat(layer.predicted()).hasSize(step.rows() * 2 * K);
            }
        }
    }

    @Test
    void requestsThatRunTogetherStandInOneStep() throws Exception {
        try (ServingModel model = harness.load(checkpoint(), options(trace(0)))) {
            List<RecordingListener> listeners = new ArrayList<>();
            for (int seed = 0; seed < 4; seed++) {
                listeners.add(
                        ModelHarness.generate(model, ModelHarness.prompt(seed, 5, VOCABULARY), 40));
            }
            for (RecordingListener listener : listeners) {
                listener.await();
            }
        }
        RoutingTrace trace = RoutingTrace.read(file);
        assertThat(trace.steps()).anyMatch(step -> step.sequences().size() > 1);
        int[] begun = new int[4];
        int[] ended = new int[4];
        int[] rows = new int[4];
        for (TraceStep step : trace.steps()) {
            for (Sequence sequence : step.sequences()) {
                begun[sequence.request()] += sequence.begins() ? 1 : 0;
                rows[sequence.request()] += sequence.rows();
            }
            Arrays.stream(step.ended()).forEach(request -> ended[request]++);
        }
        assertThat(begun).containsOnly(1);
        assertThat(ended).containsOnly(1);
        assertThat(rows).containsOnly(5 + 40 - 1);
    }

    @Test
    void aStepThatLostARequestIsLeftOut() throws Exception {
        int[] prompt = ModelHarness.prompt(1, 3, VOCABULARY);
        try (ServingModel model = harness.load(checkpoint(), options(trace(0)))) {
            ModelHarness.generate(model, prompt, 1).await();
            harness.takeRead().stream().sorted().forEach(harness::breakReads);
        }
        try (ServingModel model = harness.load(checkpoint(), options(trace(0)))) {
            RecordingListener failing = ModelHarness.generate(model, prompt, 4);
            assertThat(failing.await().reason()).isEqualTo(FinishReason.ERROR);
            harness.repair();
            RecordingListener working = ModelHarness.generate(model, prompt, 4);
            assertThat(working.await().reason()).isEqualTo(FinishReason.LENGTH);
        }
        RoutingTrace trace = RoutingTrace.read(folder.resolve("routing-2.trace"));
        assertThat(trace.end().orElseThrow().dropped()).isEqualTo(1);
        assertThat(trace.steps()).hasSize(4);
        assertThat(RoutingTrace.read(file).steps()).hasSize(1);
    }

    @Test
    void recordingEndsAtTheLimitAndDecodingGoesOn() throws Exception {
        TraceOptions small = new TraceOptions(file, new ByteSize(1500), 0);
        try (ServingModel model = harness.load(checkpoint(), options(small))) {
            for (int seed = 0; seed < 10; seed++) {
                // more than fits, in requests that each make the recorder write a chunk
                evaluate(model, ModelHarness.prompt(seed, 60, VOCABULARY), 0);
            }
        }
        assertThat(Files.size(file)).isLessThanOrEqualTo(1500);
        assertThat(RoutingTrace.read(file).end().orElseThrow().limited()).isTrue();
    }

    @Test
    void aTraceThatCannotBeginFailsTheLoad() {
        TraceOptions nowhere =
                new TraceOptions(folder.resolve("no/where.trace"), new ByteSize(1 << 20), 0);
        assertThatThrownBy(() -> harness.load(checkpoint(), options(nowhere)))
                .isInstanceOf(IOException.class)
                .hasMessage(
                        "The routing trace cannot be recorded: %s: there is no such folder",
                        folder.resolve("no/where.trace"));
        TraceOptions aFolder = new TraceOptions(folder, new ByteSize(1 << 20), 0);
        assertThatThrownBy(() -> harness.load(checkpoint(), options(aFolder)))
                .hasMessage(
                        "The routing trace cannot be recorded: %s is a folder; name a file",
                        folder);
        TraceOptions tiny = new TraceOptions(file, new ByteSize(10), 0);
        assertThatThrownBy(() -> harness.load(checkpoint(), options(tiny)))
                .isInstanceOf(IOException.class)
                .hasMessageMatching(
                        "The routing trace cannot be recorded within 10 B: A trace of this model"
                                + " takes at least \\d+ bytes, the limit is 10");
        assertThat(file).doesNotExist();
    }

    @Test
    void aRelativeFileLiesBesideTheModel() throws Exception {
        TraceOptions relative = new TraceOptions(Path.of("beside"), new ByteSize(1 << 20), 0);
        for (int load = 0; load < 2; load++) {
            try (ServingModel model = harness.load(checkpoint(), options(relative))) {
                evaluate(model, new int[] {1, 2, 3}, 3);
            }
        }
        assertThat(RoutingTrace.read(folder.resolve("beside")).steps()).hasSize(1);
        assertThat(RoutingTrace.read(folder.resolve("beside-2")).steps()).hasSize(1);
    }

    private static void evaluate(ServingModel model, int[] text, int promptTokens) {
        var cost =
                model.evaluate(
                        new EvaluationRequest(text, promptTokens, RoutingDial.EXACT),
                        (position, logits) -> {});
        assertThat(cost.altered()).isZero();
    }

    private static List<TraceStep> ofRequest(RoutingTrace trace, int request) {
        return trace.steps().stream()
                .filter(step -> step.sequences().get(0).request() == request)
                .toList();
    }

    /** All rows of a layer, one after another. */
    private static LayerRouting column(List<TraceStep> steps, int layer) {
        int rows = steps.stream().mapToInt(TraceStep::rows).sum();
        LayerRouting all =
                new LayerRouting(
                        new int[rows * EXPERTS],
                        new float[rows * EXPERTS],
                        new float[rows],
                        new float[rows],
                        new int[0]);
        int at = 0;
        for (TraceStep step : steps) {
            LayerRouting of = step.layers().get(layer);
            int n = step.rows();
            System.arraycopy(of.experts(), 0, all.experts(), at * EXPERTS, n * EXPERTS);
            System.arraycopy(of.probabilities(), 0, all.probabilities(), at * EXPERTS, n * EXPERTS);
            System.arraycopy(of.norms(), 0, all.norms(), at, n);
            System.arraycopy(of.similarities(), 0, all.similarities(), at, n);
            at += n;
        }
        return all;
    }

    private Checkpoint checkpoint() {
        return Objects.requireNonNull(opened);
    }

    private static TraceStatus status(ServingModel model) {
        return Objects.requireNonNull(model.trace());
    }

    private TraceOptions trace(int topSet) {
        return new TraceOptions(file, TraceOptions.DEFAULT_LIMIT, topSet);
    }

    private static ModelOptions options(@Nullable TraceOptions trace) {
        return options(trace, ModelOptions.Prefetch.OFF);
    }

    private static ModelOptions options(
            @Nullable TraceOptions trace, ModelOptions.Prefetch prefetch) {
        return ModelOptions.builder()
                .budget(ExpertBudget.parse("50%"))
                .prefetch(prefetch)
                .maxConcurrent(4)
                .prefillChunk(16)
                .threads(1)
                .trace(trace)
                .build();
    }
}
