package io.greenroom.offload.decoder;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.greenroom.cache.ExpertBudget;
import io.greenroom.cache.ExpertId;
import io.greenroom.gating.precision.PrecisionCost;
import io.greenroom.gating.precision.PrecisionRule;
import io.greenroom.offload.kernel.NativeKernels;
import io.greenroom.offload.kernel.TensorType;
import io.greenroom.offload.lowbit.LowBitFile;
import io.greenroom.offload.lowbit.LowBitPacker;
import io.greenroom.offload.lowbit.LowBitType;
import io.greenroom.offload.memory.NativeAllocator;
import io.greenroom.offload.store.Checkpoint;
import io.greenroom.offload.store.CheckpointException;
import io.greenroom.offload.store.Checkpoints;
import io.greenroom.offload.store.Fingerprint;
import io.greenroom.offload.store.InsufficientBudgetException;
import io.greenroom.offload.store.ModelSpec.Family;
import io.greenroom.offload.store.TinyModel;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** A whole model with low-bit copies: exact where it is told to be, lossy and counted elsewhere. */
@Timeout(120)
class MixedPrecisionTest {

    private static final int VOCABULARY = 48;
    private static final int LAYERS = 3;
    private static final int EXPERTS = 12;
    private static final int TOKENS = 12;
    private static final PrecisionRule LOSSY = new PrecisionRule(0, 0.7);

    private final ModelHarness harness = new ModelHarness();

    @TempDir private Path folder;

    private Checkpoint checkpoint;
    private Path copies;

    @BeforeEach
    void writeModel() throws IOException {
        TinyModel tiny =
                new TinyModel(
                        Family.QWEN3_MOE, LAYERS, 64, 32, EXPERTS, VOCABULARY, TensorType.F32, 11);
        checkpoint = Checkpoints.open(tiny.gguf().write(folder.resolve("tiny.gguf")));
        copies = pack(LowBitType.Q4_0);
    }

    @AfterEach
    void everythingComesHome() {
        harness.close();
    }

    private Path pack(LowBitType type) throws IOException {
        Path file = folder.resolve("tiny." + type.label());
        try (NativeKernels kernels = new NativeKernels(1)) {
            new LowBitPacker(
                            checkpoint,
                            Fingerprint.of(checkpoint),
                            type,
                            kernels,
                            new NativeAllocator())
                    .pack(file, new LowBitPacker.Listener() {});
        }
        return file;
    }

    private ServingModel load(
            String budget, @Nullable MixedPrecision mixed, ModelOptions.Prefetch prefetch)
            throws IOException {
        return harness.load(
                checkpoint,
                ModelOptions.builder()
                        .budget(ExpertBudget.parse(budget))
                        .prefetch(prefetch)
                        .maxConcurrent(4)
                        .prefillChunk(5)
                        .threads(1)
                        .mixedPrecision(mixed)
                        .build());
    }

    private ServingModel load(String budget, @Nullable MixedPrecision mixed) throws IOException {
        return load(budget, mixed, ModelOptions.Prefetch.OFF);
    }

    private MixedPrecision mixed(PrecisionRule rule) {
        return new MixedPrecision(copies, 0.15, rule, SkippedWeight.DROP);
    }

    private static int[] prompt(int seed) {
        return ModelHarness.prompt(seed, 14, VOCABULARY);
    }

    @ParameterizedTest
    @CsvSource({"20%,OFF", "20%,ON", "50%,AUTO", "100%,OFF"})
    void withEverythingInFullTokensAreThoseOfExactMode(
            String budget, ModelOptions.Prefetch prefetch) throws Exception {
        float[][] logits;
        List<Integer> tokens;
        try (ServingModel model = load(budget, null, prefetch)) {
            logits = model.evaluate(prompt(3));
            RecordingListener listener = ModelHarness.generate(model, prompt(4), TOKENS);
            assertThat(listener.await().usage().precisionCost()).isEqualTo(PrecisionCost.NONE);
            tokens = listener.tokens();
            assertThat(model.mixedPrecision()).isEmpty();
        }
        try (ServingModel model = load(budget, mixed(PrecisionRule.EXACT), prefetch)) {
            assertThat(model.evaluate(prompt(3))).isDeepEqualTo(logits);
            RecordingListener listener = ModelHarness.generate(model, prompt(4), TOKENS);
            PrecisionCost cost = listener.await().usage().precisionCost();
            assertThat(listener.tokens()).isEqualTo(tokens);
            assertThat(cost.selections())
                    .isEqualTo((14 + TOKENS - 1) * LAYERS * TinyModel.EXPERTS_PER_TOKEN);
            assertThat(cost.copies() + cost.skipped() + cost.savedBytes()).isZero();
            MoeModel.MixedStatus status = model.mixedPrecision().orElseThrow();
            assertThat(status.cache().hits() + status.cache().misses()).isZero();
        }
    }

    /**
     * Who is resident depends on the order in which reads ended, so lossy runs may differ; what
     * becomes of a decision once residency is given, {@link MixedExpertsTest} says to the last bit.
     */
    @ParameterizedTest
    @EnumSource
    void whatIsLostIsCounted(LowBitType type) throws Exception {
        copies = type == LowBitType.Q4_0 ? copies : pack(type);
        float[][] exact;
        try (ServingModel model = load("20%", null)) {
            exact = model.evaluate(prompt(3));
        }
        try (ServingModel model = load("20%", mixed(LOSSY))) {
            float[][] lossy = model.evaluate(prompt(3));
            assertThat(Arrays.deepEquals(lossy, exact)).isFalse();
            for (float[] row : lossy) {
                for (float logit : row) {
                    assertThat(logit).isFinite();
                }
            }
            PrecisionCost before = model.mixedPrecision().orElseThrow().cost();
            RecordingListener listener = ModelHarness.generate(model, prompt(4), TOKENS);
            PrecisionCost own = listener.await().usage().precisionCost();
            MoeModel.MixedStatus status = model.mixedPrecision().orElseThrow();
            PrecisionCost all = status.cost();
            assertThat(own.copies()).isPositive().isEqualTo(all.copies() - before.copies());
            assertThat(model.residency().copies().cardinality()).isEqualTo(status.resident());
            assertThat(own.skipped()).isPositive().isEqualTo(all.skipped() - before.skipped());
            assertThat(own.savedBytes()).isEqualTo(all.since(before).savedBytes()).isPositive();
            assertThat(all.copies() + all.skipped()).isLessThan(all.selections() / 2);
            assertThat(all.skippedWeightShare()).isBetween(0.001, 0.3);
            assertThat(status.type()).isEqualTo(type);
            assertThat(status.cache().bytesLoaded())
                    .isEqualTo(status.cache().loads() * status.copyBytes())
                    .isPositive();
            // both caches are in the model's figures
            assertThat(model.status().cache().bytesLoaded())
                    .isGreaterThan(status.cache().bytesLoaded());
        }
    }

    @Test
    void moreThanAllSlotsAreNotTaken() throws Exception {
        try (ServingModel model = load("100MiB", mixed(LOSSY))) {
            assertThat(model.mixedPrecision().orElseThrow().slots()).isEqualTo(LAYERS * EXPERTS);
            assertThat(model.status().slots()).isEqualTo(LAYERS * EXPERTS);
        }
    }

    @ParameterizedTest
    @CsvSource({"20%, 0.15", "33%, 0.3", "50%, 0.01", "90%, 0.5"})
    void bothKindsOfSlotsStayWithinTheBudget(String budget, double share) throws Exception {
        MixedPrecision settings = new MixedPrecision(copies, share, LOSSY, SkippedWeight.DROP);
        try (ServingModel model = load(budget, settings, ModelOptions.Prefetch.ON)) {
            List<RecordingListener> running = new ArrayList<>();
            for (int i = 0; i < 4; i++) {
                running.add(ModelHarness.generate(model, prompt(i), TOKENS));
            }
            for (RecordingListener listener : running) {
                assertThat(listener.await().failure()).isNull();
            }
            MoeModel.Status status = model.status();
            MoeModel.MixedStatus mixed = model.mixedPrecision().orElseThrow();
            assertThat(status.arenaBytes()).isLessThanOrEqualTo(status.budgetBytes());
            assertThat(status.arenaBytes()).isGreaterThan(status.slots() * status.slotBytes());
            assertThat(mixed.slots()).isPositive();
            assertThat(mixed.resident()).isLessThanOrEqualTo(mixed.slots());
            assertThat(harness.largestArenas())
                    .isPositive()
                    .isLessThanOrEqualTo(status.budgetBytes());
        }
    }

    /** Both kinds of slots follow the budget, up and down, while requests run. */
    @Test
    void aChangedBudgetIsDividedAnew() throws Exception {
        try (ServingModel model = load("60%", mixed(LOSSY), ModelOptions.Prefetch.ON)) {
            int experts = model.status().slots();
            int lowBit = model.mixedPrecision().orElseThrow().slots();
            List<RecordingListener> running = new ArrayList<>();
            for (String budget : new String[] {"20%", "90%", "33%", "60%"}) {
                for (int i = 0; i < 3; i++) {
                    running.add(ModelHarness.generate(model, prompt(i), TOKENS));
                }
                var unused =
                        model.setBudget(ExpertBudget.parse(budget))
                                .reached()
                                .get(60, TimeUnit.SECONDS);
                MoeModel.Status status = model.status();
                assertThat(status.arenaBytes()).isLessThanOrEqualTo(status.budgetBytes());
                int slots = model.mixedPrecision().orElseThrow().slots();
                assertThat(slots).isPositive();
                double share =
                        1 - (double) status.slots() * status.slotBytes() / status.budgetBytes();
                assertThat(share).as("not the experts' at %s", budget).isBetween(0.1, 0.3);
                assertThat(harness.arenas()).isLessThanOrEqualTo(status.budgetBytes());
            }
            for (RecordingListener listener : running) {
                assertThat(listener.await().failure()).isNull();
            }
            assertThat(model.status().slots()).isEqualTo(experts);
            assertThat(model.mixedPrecision().orElseThrow().slots()).isEqualTo(lowBit);
        }
    }

    @Test
    void aDamagedCopyGivesWayToItsExpert() throws Exception {
        LowBitFile file = LowBitFile.open(copies, checkpoint.spec(), Fingerprint.of(checkpoint));
        for (int expert = 0; expert < EXPERTS; expert++) {
            for (int layer = 0; layer < LAYERS; layer++) {
                long at = file.expert(new ExpertId(layer, expert)).down().offset() + 5;
                try (FileChannel channel = FileChannel.open(copies, StandardOpenOption.WRITE)) {
                    channel.write(ByteBuffer.wrap(new byte[] {(byte) 0xA5}), at);
                }
            }
        }
        float[][] exact;
        try (ServingModel model = load("20%", null)) {
            exact = model.evaluate(prompt(3));
        }
        PrecisionRule copiesOnly = new PrecisionRule(0, 1);
        try (ServingModel model = load("20%", mixed(copiesOnly))) {
            assertThat(model.evaluate(prompt(3))).isDeepEqualTo(exact);
            MoeModel.MixedStatus status = model.mixedPrecision().orElseThrow();
            assertThat(status.cache().loadFailures()).isPositive();
            assertThat(status.cost().copies()).isZero();
        }
    }

    @Test
    void withoutAUsableFileTheModelIsNotLoaded() throws Exception {
        copies = folder.resolve("absent.lowbit");
        assertThatThrownBy(() -> load("50%", mixed(LOSSY)))
                .isInstanceOf(CheckpointException.class)
                .hasMessageContaining("there is no such file of low-bit copies; make it with")
                .hasMessageContaining("greenroom pack --low-bit q4_0 MODEL --out");
    }

    @Test
    void aBudgetTooSmallForBothIsRefusedAndTheOfferedOneWorks() throws Exception {
        // two experts and not one copy beside them
        String tooSmall = Long.toString(2 * slotBytes() + 100);
        assertThatThrownBy(() -> load(tooSmall, mixed(LOSSY)))
                .isInstanceOf(InsufficientBudgetException.class)
                .hasMessageContaining("of which low-bit copies have 15.0 %")
                .hasMessageContaining("holds 1 experts of")
                .hasMessageContaining("one token needs 2 at once")
                .satisfies(
                        refusal -> {
                            String offered =
                                    String.valueOf(refusal.getMessage())
                                            .replaceAll(".*that works is (\\d+) bytes.*", "$1");
                            try (ServingModel model = load(offered, mixed(LOSSY))) {
                                assertThat(model.status().slots()).isEqualTo(2);
                            }
                        });
    }

    private long slotBytes() throws IOException {
        try (ServingModel model = load("100%", null)) {
            return model.status().slotBytes();
        }
    }

    @Test
    void aShareThatLeavesNothingIsRefused() {
        for (double share : new double[] {0, 1, -0.1, Double.NaN}) {
            assertThatThrownBy(() -> new MixedPrecision(copies, share, LOSSY, SkippedWeight.DROP))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("must be above 0 and below 1");
        }
    }
}
