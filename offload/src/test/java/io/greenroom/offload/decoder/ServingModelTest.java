package io.greenroom.offload.decoder;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.greenroom.cache.ByteSize;
import io.greenroom.cache.ExpertId;
import io.greenroom.cache.ExpertLoadException;
import io.greenroom.cache.SharedBudget;
import io.greenroom.gating.InvalidLogitException;
import io.greenroom.offload.kernel.Activations;
import io.greenroom.offload.kernel.JavaKernels;
import io.greenroom.offload.kernel.NativeKernels;
import io.greenroom.offload.kernel.TensorType;
import io.greenroom.offload.kernel.WeightMatrix;
import io.greenroom.offload.store.Checkpoint;
import io.greenroom.offload.store.CheckpointException;
import io.greenroom.offload.store.Checkpoints;
import io.greenroom.offload.store.GgufWriter;
import io.greenroom.offload.store.InsufficientBudgetException;
import io.greenroom.offload.store.ModelSpec.Family;
import io.greenroom.offload.store.TinyModel;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

@Timeout(120)
class ServingModelTest {

    private static final int VOCABULARY = 48;

    private final ModelHarness harness = new ModelHarness();
    @TempDir private Path folder;

    @AfterEach
    void allMemoryComesHome() {
        harness.close();
    }

    @ParameterizedTest
    @EnumSource(Family.class)
    void nativeKernelsAgreeWithTheJavaTwin(Family family) throws Exception {
        Checkpoint checkpoint = checkpoint(tiny(family));
        int[] prompt = ModelHarness.prompt(3, 40, VOCABULARY);
        float[][] expected;
        harness.kernels(threads -> new JavaKernels());
        try (ServingModel model = harness.load(checkpoint, ModelHarness.options("100%"))) {
            expected = model.evaluate(prompt);
        }
        harness.kernels(NativeKernels::new);
        try (ServingModel model = harness.load(checkpoint, ModelHarness.options("100%"))) {
            float[][] actual = model.evaluate(prompt);
            float largest = 0;
            for (float[] row : expected) {
                for (float logit : row) {
                    largest = Math.max(largest, Math.abs(logit));
                }
            }
            // 3 layers of ten operations on 64 terms each, as GoldenDecodingTest derives it; times
            // 32, because these weights are large: attention scores reach the tens, and a softmax
            // multiplies the rounding errors of its input by its size.
            float tolerance = 32 * 32 * 8 * 0x1p-24f * largest;
            for (int t = 0; t < expected.length; t++) {
                assertThat(actual[t])
                        .as("logits at position %s", t)
                        .containsExactly(expected[t], within(tolerance));
            }
        }
    }

    @Test
    void anExpertThatCannotBeReadFailsOnlyTheRequestsThatChoseIt() throws Exception {
        Checkpoint checkpoint = checkpoint(tiny(Family.QWEN3_MOE));
        int[] bad = ModelHarness.prompt(1, 3, VOCABULARY);
        int[] good = ModelHarness.prompt(2, 3, VOCABULARY);
        List<Integer> expected;
        Set<ExpertId> onlyBad;
        try (ServingModel model = harness.load(checkpoint, ModelHarness.options("100%"))) {
            RecordingListener alone = ModelHarness.generate(model, good, 2);
            alone.await();
            expected = alone.tokens();
        }
        Set<ExpertId> readByGood = harness.takeRead();
        try (ServingModel model = harness.load(checkpoint, ModelHarness.options("100%"))) {
            ModelHarness.generate(model, bad, 1).await(); // the prompt alone is processed
        }
        onlyBad = new HashSet<>(harness.takeRead());
        onlyBad.removeAll(readByGood);
        ExpertId victim = onlyBad.stream().sorted().findFirst().orElseThrow();

        harness.breakReads(victim);
        try (ServingModel model = harness.load(checkpoint, ModelHarness.options("100%"))) {
            RecordingListener first = ModelHarness.generate(model, bad, 2);
            RecordingListener second = ModelHarness.generate(model, good, 2);
            RecordingListener.End end = first.await();
            assertThat(end.reason()).isEqualTo(FinishReason.ERROR);
            assertThat(end.failure())
                    .isInstanceOf(ExpertLoadException.class)
                    .hasMessageContaining("Cannot load expert " + victim)
                    .hasMessageContaining("the disk is gone");
            assertThat(second.await().reason()).isEqualTo(FinishReason.LENGTH);
            assertThat(second.tokens()).isEqualTo(expected);

            assertThatExceptionOfType(CompletionException.class)
                    .isThrownBy(() -> model.evaluate(bad))
                    .withMessageContaining("Cannot load expert " + victim)
                    .withCauseInstanceOf(ExpertLoadException.class);
            harness.repair();
            assertThat(ModelHarness.generate(model, bad, 2).await().reason())
                    .as("the disk is back")
                    .isEqualTo(FinishReason.LENGTH);
        }
    }

    @Test
    void anExpertThatDoesNotComeInTimeFailsItsRequest() throws Exception {
        Checkpoint checkpoint = checkpoint(tiny(Family.QWEN3_MOE));
        int[] prompt = ModelHarness.prompt(1, 3, VOCABULARY);
        ExpertId victim = firstExpertOf(checkpoint, prompt);
        harness.loadTimeout(Duration.ofMillis(1500)).hangReads(victim);
        try (ServingModel model = harness.load(checkpoint, ModelHarness.options("100%"))) {
            RecordingListener.End end = ModelHarness.generate(model, prompt, 2).await();
            assertThat(end.reason()).isEqualTo(FinishReason.ERROR);
            assertThat(end.failure()).isInstanceOf(TimeoutException.class);
            harness.endHungReads();
            assertThat(ModelHarness.generate(model, prompt, 2).await().reason())
                    .isEqualTo(FinishReason.LENGTH);
        }
    }

    @Test
    void unloadDoesNotWaitForAnExpertToTellRequests() throws Exception {
        Checkpoint checkpoint = checkpoint(tiny(Family.QWEN3_MOE));
        int[] prompt = ModelHarness.prompt(1, 3, VOCABULARY);
        harness.hangReads(firstExpertOf(checkpoint, prompt));
        ServingModel model = harness.load(checkpoint, ModelHarness.options("100%"));
        RecordingListener listener = ModelHarness.generate(model, prompt, 2);
        harness.awaitHungRead();

        CompletableFuture<Void> closed = CompletableFuture.runAsync(model::close);
        assertThat(listener.await().reason()).isEqualTo(FinishReason.UNLOADED);
        harness.endHungReads();
        closed.get(60, TimeUnit.SECONDS);
        model.close(); // harmless
    }

    @Test
    void damagedWeightsFailOnlyTheRequestsThatMeetThem() throws Exception {
        TinyModel tiny = tiny(Family.OLMOE);
        byte[] embedding = tiny.data("token_embd.weight", TensorType.F32, VOCABULARY, 64);
        ByteBuffer.wrap(embedding)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putFloat(13 * 64 * Float.BYTES, Float.NaN);
        GgufWriter writer =
                tiny.gguf()
                        .withoutTensor("token_embd.weight")
                        .tensor("token_embd.weight", TensorType.F32, embedding, VOCABULARY, 64);
        Checkpoint checkpoint = Checkpoints.open(writer.write(folder.resolve("nan.gguf")));
        int[] clean = {1, 2, 3};
        float[][] good;
        try (ServingModel model = harness.load(checkpoint, ModelHarness.options("100%"))) {
            RecordingListener bad = ModelHarness.generate(model, new int[] {1, 13, 2}, 3);
            good = model.evaluate(clean);
            assertThat(bad.await().reason()).isEqualTo(FinishReason.ERROR);
            assertThat(bad.await().failure())
                    .isInstanceOf(InvalidLogitException.class)
                    .hasMessageContaining("the router's logit for expert 0 is NaN");
            for (float[] row : good) {
                for (float logit : row) {
                    assertThat(logit).isFinite();
                }
            }
        }
        // One request at a time, so that the next one gets the very pages that hold the NaNs.
        ModelOptions alone = ModelHarness.options("100%", ModelOptions.Prefetch.OFF, 1, 16, 1);
        try (ServingModel model = harness.load(checkpoint, alone)) {
            int[] damaged = new int[TinyModel.CONTEXT - 1];
            Arrays.fill(damaged, 13);
            assertThat(ModelHarness.generate(model, damaged, 1).await().reason())
                    .isEqualTo(FinishReason.ERROR);
            assertThat(model.evaluate(clean)).isDeepEqualTo(good);
        }
    }

    /** A step that breaks down half-way must leave nothing behind for the next. */
    @Test
    void aKernelThatFailsEndsItsStepOnly() throws Exception {
        Checkpoint checkpoint = checkpoint(tiny(Family.OLMOE));
        AtomicInteger calls = new AtomicInteger(Integer.MAX_VALUE);
        harness.kernels(
                threads ->
                        new JavaKernels() {
                            @Override
                            public void feedForward(
                                    WeightMatrix gate,
                                    WeightMatrix up,
                                    WeightMatrix down,
                                    Activations x,
                                    int[] rows,
                                    int[] outRows,
                                    int n,
                                    Activations out) {
                                if (calls.decrementAndGet() == 0) {
                                    throw new IllegalStateException("a kernel broke");
                                }
                                super.feedForward(gate, up, down, x, rows, outRows, n, out);
                            }
                        });
        try (ServingModel model = harness.load(checkpoint, ModelHarness.options("100%"))) {
            int[] few = {1};
            float[][] before = model.evaluate(few);
            calls.set(2);
            RecordingListener.End end =
                    ModelHarness.generate(model, ModelHarness.prompt(1, 16, VOCABULARY), 1).await();
            assertThat(end.reason()).isEqualTo(FinishReason.ERROR);
            assertThat(end.failure()).hasMessage("a kernel broke");
            assertThat(model.evaluate(few)).isDeepEqualTo(before);
        }
    }

    @Test
    void aListenerCannotWaitForItself() throws Exception {
        Checkpoint checkpoint = checkpoint(tiny(Family.MIXTRAL));
        try (ServingModel model = harness.load(checkpoint, ModelHarness.options("100%"))) {
            RecordingListener listener =
                    new RecordingListener(token -> model.evaluate(new int[] {1}).length == 0);
            model.submit(
                    new GenerationRequest(new int[] {1}, 2, SamplingParameters.GREEDY, Set.of()),
                    listener);
            assertThat(listener.await().failure())
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("A listener cannot wait for an evaluation");
        }
    }

    /** Several clients that submit, cancel and throw at random; the others must not notice. */
    @Test
    void manyClientsAtOnce() throws Exception {
        Checkpoint checkpoint = checkpoint(tiny(Family.QWEN2_MOE));
        List<List<Integer>> expected = new ArrayList<>();
        ModelOptions options = ModelHarness.options("25%", ModelOptions.Prefetch.ON, 3, 5, 2);
        try (ServingModel model = harness.load(checkpoint, options)) {
            for (int i = 0; i < 6; i++) {
                int[] prompt = ModelHarness.prompt(i, 3 + i, VOCABULARY);
                RecordingListener listener = ModelHarness.generate(model, prompt, 6);
                assertThat(listener.await().reason()).isEqualTo(FinishReason.LENGTH);
                expected.add(listener.tokens());
            }
            List<CompletableFuture<Void>> clients = new ArrayList<>();
            ExecutorService threads = Executors.newFixedThreadPool(4);
            for (int client = 0; client < 4; client++) {
                long seed = client;
                clients.add(
                        CompletableFuture.runAsync(() -> client(model, seed, expected), threads));
            }
            for (CompletableFuture<Void> client : clients) {
                client.get(100, TimeUnit.SECONDS);
            }
            threads.shutdown();
            assertThat(model.status().queued()).isZero();
        }
    }

    private static void client(ServingModel model, long seed, List<List<Integer>> expected) {
        Random random = new Random(seed);
        for (int i = 0; i < 15; i++) {
            int which = random.nextInt(6);
            int fate = random.nextInt(3);
            RecordingListener listener =
                    new RecordingListener(
                            token -> {
                                if (fate == 1) {
                                    throw new IllegalStateException("a rude client");
                                }
                                return true;
                            });
            Generation generation =
                    model.submit(
                            new GenerationRequest(
                                    ModelHarness.prompt(which, 3 + which, VOCABULARY),
                                    6,
                                    SamplingParameters.GREEDY,
                                    Set.of()),
                            listener);
            if (fate == 2) {
                generation.cancel();
            }
            RecordingListener.End end;
            try {
                end = listener.await();
            } catch (Exception e) {
                throw new IllegalStateException(e);
            }
            switch (fate) {
                case 0 -> {
                    assertThat(end.reason()).isEqualTo(FinishReason.LENGTH);
                    assertThat(listener.tokens()).isEqualTo(expected.get(which));
                }
                case 1 -> assertThat(end.reason()).isEqualTo(FinishReason.ERROR);
                default ->
                        assertThat(end.reason()).isIn(FinishReason.CANCELLED, FinishReason.LENGTH);
            }
        }
    }

    @Test
    void aTruncatedFileFailsTheLoadAndGivesEverythingBack() throws Exception {
        Path file = folder.resolve("short.gguf");
        tiny(Family.OLMOE).gguf().write(file);
        Checkpoint checkpoint = Checkpoints.open(file);
        try (RandomAccessFile shorter = new RandomAccessFile(file.toFile(), "rw")) {
            shorter.setLength(shorter.length() / 3);
        }
        assertThatThrownBy(() -> harness.load(checkpoint, ModelHarness.options("100%")))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("short.gguf");
    }

    @Test
    void everyStepThatFailsGivesEverythingBack() throws Exception {
        Checkpoint checkpoint = checkpoint(tiny(Family.QWEN2_MOE));
        assertThatExceptionOfType(InsufficientBudgetException.class)
                .isThrownBy(() -> harness.load(checkpoint, ModelHarness.options("1%")))
                .withMessageContaining("The smallest budget that works is");

        IllegalStateException refused = new IllegalStateException("no kernels today");
        SharedBudget total = new SharedBudget(new ByteSize(10 << 20));
        harness.total(total)
                .kernels(
                        threads -> {
                            throw refused;
                        });
        assertThatThrownBy(() -> harness.load(checkpoint, ModelHarness.options("100%")))
                .isSameAs(refused);
        assertThat(total.used()).isEqualTo(new ByteSize(0));

        AtomicInteger writes = new AtomicInteger();
        harness.kernels(
                threads ->
                        new JavaKernels() {
                            @Override
                            public void write(float[] from, int n, Activations x) {
                                if (writes.incrementAndGet() == 5) {
                                    throw new IllegalStateException("written once too often");
                                }
                                super.write(from, n, x);
                            }
                        });
        assertThatThrownBy(() -> harness.load(checkpoint, ModelHarness.options("100%")))
                .hasMessage("written once too often");
        assertThat(total.used()).isEqualTo(new ByteSize(0));

        harness.kernels(NativeKernels::new);
        assertThatThrownBy(
                        () ->
                                harness.load(
                                        checkpoint,
                                        ModelHarness.options("100%"),
                                        (done, all) -> {
                                            throw new IllegalStateException("not interested");
                                        }))
                .hasMessage("not interested");
        assertThat(total.used()).isEqualTo(new ByteSize(0));

        assertThatThrownBy(
                        () ->
                                harness.load(
                                        checkpoint,
                                        ModelHarness.options("100%"),
                                        (done, all) -> delete(checkpoint.location())))
                .isInstanceOf(CheckpointException.class)
                .hasMessageContaining(checkpoint.location() + ": cannot be opened");
        assertThat(total.used()).isEqualTo(new ByteSize(0));
    }

    private static void delete(Path file) {
        try {
            Files.deleteIfExists(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    @Test
    void aFileThatIsDeletedWhileServingIsServedOn() throws Exception {
        Checkpoint checkpoint = checkpoint(tiny(Family.QWEN2_MOE));
        int[] prompt = ModelHarness.prompt(1, 30, VOCABULARY);
        try (ServingModel model = harness.load(checkpoint, ModelHarness.options("25%"))) {
            float[][] before = model.evaluate(prompt);
            delete(checkpoint.location());
            assertThat(model.evaluate(prompt)).isDeepEqualTo(before);
        }
    }

    @Test
    void aFileThatIsTruncatedWhileServingFailsRequestsWithAReason() throws Exception {
        Checkpoint checkpoint = checkpoint(tiny(Family.QWEN2_MOE));
        try (ServingModel model = harness.load(checkpoint, ModelHarness.options("25%"))) {
            try (RandomAccessFile file =
                    new RandomAccessFile(checkpoint.location().toFile(), "rw")) {
                file.setLength(4096);
            }
            RecordingListener.End end =
                    ModelHarness.generate(model, ModelHarness.prompt(1, 30, VOCABULARY), 2).await();
            assertThat(end.reason()).isEqualTo(FinishReason.ERROR);
            assertThat(end.failure())
                    .isInstanceOf(ExpertLoadException.class)
                    .hasMessageContaining("Cannot load expert L0/E");
        }
    }

    @Test
    void tokensAreCappedByTheContextAndCounted() throws Exception {
        Checkpoint checkpoint = checkpoint(tiny(Family.MIXTRAL));
        try (ServingModel model = harness.load(checkpoint, ModelHarness.options("100%"))) {
            assertThat(model.contextLength()).isEqualTo(TinyModel.CONTEXT);
            int[] prompt = ModelHarness.prompt(1, TinyModel.CONTEXT - 4, VOCABULARY);
            RecordingListener more = ModelHarness.generate(model, prompt, 100);
            assertThat(more.await().reason()).isEqualTo(FinishReason.LENGTH);
            assertThat(more.tokens()).hasSize(4);
            RecordingListener unlimited = ModelHarness.generate(model, prompt, 0);
            assertThat(unlimited.await().reason()).isEqualTo(FinishReason.LENGTH);
            assertThat(unlimited.tokens()).isEqualTo(more.tokens());

            MoeModel.Status status = model.status();
            assertThat(status.tokensIn()).isEqualTo(2 * prompt.length);
            assertThat(status.tokensOut()).isEqualTo(8);
            assertThat(status.totalExperts()).isEqualTo(3 * 12);
            assertThat(status.slots()).isEqualTo(3 * 12);
            assertThat(status.residentExperts()).isBetween(2, 36);
            assertThat(status.cache().misses()).isPositive();
            assertThat(status.denseBytes()).isPositive();
            assertThat(status.kvBytes()).isPositive();
        }
    }

    @Test
    void prefetchReadsAheadAndSaysHowWell() throws Exception {
        Checkpoint checkpoint = checkpoint(tiny(Family.QWEN3_MOE));
        int[] prompt = ModelHarness.prompt(1, 5, VOCABULARY);
        ModelOptions on = ModelHarness.options("50%", ModelOptions.Prefetch.ON, 2, 16, 1);
        try (ServingModel model = harness.load(checkpoint, on)) {
            ModelHarness.generate(model, prompt, 40).await();
            assertThat(model.status().cache().prefetchIssued()).isPositive();
            // 39 rows of the output; two experts in each of three layers.
            PrefetchStatus status = model.prefetch();
            assertThat(status.mode()).isEqualTo(ModelOptions.Prefetch.ON);
            assertThat(status.reason()).isEqualTo("on: as configured");
            assertThat(status.recall().chosen()).isEqualTo(2 * 3 * 39);
            assertThat(status.layers())
                    .extracting(PrefetchStatus.Layer::layer)
                    .containsExactly(0, 1, 2);
            assertThat(status.bytesPerSecond()).isPositive();
        }
        try (ServingModel model = harness.load(checkpoint, ModelHarness.options("50%"))) {
            ModelHarness.generate(model, prompt, 40).await();
            assertThat(model.status().cache().prefetchIssued()).isZero();
            assertThat(model.prefetch()).isEqualTo(PrefetchStatus.OFF);
            assertThat(model.prefetch().reason()).isEqualTo("off: as configured");
        }
    }

    @Test
    void refusesRequestsThatCannotBeServed() throws Exception {
        Checkpoint checkpoint = checkpoint(tiny(Family.MIXTRAL));
        try (ServingModel model = harness.load(checkpoint, ModelHarness.options("100%"))) {
            assertThatExceptionOfType(ContextLengthException.class)
                    .isThrownBy(() -> ModelHarness.generate(model, new int[64], 1))
                    .withMessageContaining("The prompt has 64 tokens, the context holds 64");
            assertThatExceptionOfType(ContextLengthException.class)
                    .isThrownBy(() -> model.evaluate(new int[65]))
                    .withMessageContaining("The prompt has 65 tokens, the context holds 64;");
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> ModelHarness.generate(model, new int[] {48}, 1))
                    .withMessage("Token 0 of the prompt is 48; the model has tokens 0 to 47");
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> ModelHarness.generate(model, new int[0], 1))
                    .withMessageContaining("prompt is empty");
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> ModelHarness.generate(model, new int[] {1}, -1))
                    .withMessageContaining("max_tokens is -1");
            assertThat(model.evaluate(new int[64])).hasDimensions(64, VOCABULARY);
        }
    }

    private ExpertId firstExpertOf(Checkpoint checkpoint, int[] prompt) throws Exception {
        try (ServingModel model = harness.load(checkpoint, ModelHarness.options("100%"))) {
            ModelHarness.generate(model, prompt, 1).await();
        }
        return harness.takeRead().stream().sorted().findFirst().orElseThrow();
    }

    private Checkpoint checkpoint(TinyModel tiny) throws IOException {
        Path file = folder.resolve(tiny.family() + ".gguf");
        return Checkpoints.open(tiny.gguf().write(file));
    }

    private static TinyModel tiny(Family family) {
        return new TinyModel(family, 3, 64, 32, 12, VOCABULARY, TensorType.F32, 11);
    }
}
