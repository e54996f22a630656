package io.greenroom.offload.decoder;

import static org.assertj.core.api.Assertions.assertThat;

import io.greenroom.cache.ExpertBudget;
import io.greenroom.cache.policy.PolicyName;
import io.greenroom.offload.kernel.ActivationPrecision;
import io.greenroom.offload.kernel.KvPages;
import io.greenroom.offload.kernel.TensorType;
import io.greenroom.offload.store.Checkpoint;
import io.greenroom.offload.store.Checkpoints;
import io.greenroom.offload.store.ModelSpec.Family;
import io.greenroom.offload.store.TinyModel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.From;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import net.jqwik.api.lifecycle.AfterContainer;

/**
 * The cache is invisible: whatever the budget and its changes, the policy, prefetch, batch, prefill
 * chunk and number of threads, logits are those of the fully resident model with one request at a
 * time, bit for bit.
 */
class CacheInvisibilityTest {

    private static final int VOCABULARY = 48;
    private static final int TOKENS = 9;

    private static final Map<String, Baseline> BASELINES = new HashMap<>();

    /** What a model says when nothing is in its way. */
    private record Baseline(
            Checkpoint checkpoint, List<float[][]> logits, List<List<Integer>> tokens) {}

    @Property(tries = 60)
    void nothingShowsInTheLogits(
            @ForAll Family family,
            @ForAll KvPages.Type kvType,
            @ForAll ActivationPrecision activations,
            @ForAll @From("budgets") String budget,
            @ForAll ModelOptions.Prefetch prefetch,
            @ForAll @IntRange(min = 1, max = 5) int requests,
            @ForAll @From("chunks") int chunk,
            @ForAll @IntRange(min = 1, max = 3) int threads,
            @ForAll PolicyName policy,
            @ForAll @From("splits") SlotSplit split,
            @ForAll @Size(max = 8) List<@From("budgets") String> laterBudgets)
            throws Exception {
        Baseline baseline = baseline(family, kvType, activations);
        try (ModelHarness harness = new ModelHarness();
                ServingModel model =
                        harness.load(
                                baseline.checkpoint(),
                                ModelHarness.builder(budget(budget))
                                        .prefetch(prefetch)
                                        .kvType(kvType)
                                        .activations(activations)
                                        .maxConcurrent(requests)
                                        .prefillChunk(chunk)
                                        .threads(threads)
                                        .cachePolicy(policy)
                                        .slotSplit(split)
                                        .build())) {
            List<RecordingListener> running = new ArrayList<>();
            for (int i = 0; i < requests; i++) {
                running.add(ModelHarness.generate(model, prompt(i), TOKENS));
            }
            for (String later : laterBudgets) {
                model.setBudget(ExpertBudget.parse(budget(later)));
            }
            for (int i = 0; i < requests; i++) {
                assertThat(model.evaluate(prompt(i)))
                        .as("logits of prompt %s", i)
                        .isDeepEqualTo(baseline.logits().get(i));
            }
            for (int i = 0; i < requests; i++) {
                assertThat(running.get(i).await().failure()).isNull();
                assertThat(running.get(i).tokens()).isEqualTo(baseline.tokens().get(i));
            }
            MoeModel.Status status = model.status();
            assertThat(status.arenaBytes()).isLessThanOrEqualTo(status.budgetBytes());
            assertThat(status.residentExperts()).isLessThanOrEqualTo(status.slots());
        }
    }

    @Provide
    Arbitrary<String> budgets() {
        return Arbitraries.of("100%", "50%", "25%", "smallest");
    }

    @Provide
    Arbitrary<SlotSplit> splits() {
        return Arbitraries.of(
                SlotSplit.SHARED, SlotSplit.EVEN, new SlotSplit.Weights(List.of(5, 1, 2)));
    }

    @Provide
    Arbitrary<Integer> chunks() {
        return Arbitraries.of(1, 3, 128);
    }

    private static String budget(String budget) {
        if (!budget.equals("smallest")) {
            return budget;
        }
        int layersTimesExperts = 3 * 12;
        return 100.0 * TinyModel.EXPERTS_PER_TOKEN / layersTimesExperts + 0.001 + "%";
    }

    private static Baseline baseline(
            Family family, KvPages.Type kvType, ActivationPrecision activations) throws Exception {
        String key = family + " " + kvType + " " + activations;
        Baseline known = BASELINES.get(key);
        if (known != null) {
            return known;
        }
        TinyModel tiny =
                new TinyModel(
                        family, 3, 64, 32, 12, VOCABULARY, typeOf(family), 5 + family.ordinal());
        Path file = Files.createTempFile("tiny-" + family, ".gguf");
        tiny.gguf().write(file);
        Checkpoint checkpoint = Checkpoints.open(file);
        List<float[][]> logits = new ArrayList<>();
        List<List<Integer>> tokens = new ArrayList<>();
        try (ModelHarness harness = new ModelHarness();
                ServingModel model =
                        harness.load(
                                checkpoint,
                                ModelHarness.options(
                                        "100%",
                                        ModelOptions.Prefetch.OFF,
                                        kvType,
                                        activations,
                                        1,
                                        128,
                                        1))) {
            for (int i = 0; i < 5; i++) {
                logits.add(model.evaluate(prompt(i)));
                RecordingListener listener = ModelHarness.generate(model, prompt(i), TOKENS);
                assertThat(listener.await().reason()).isEqualTo(FinishReason.LENGTH);
                tokens.add(listener.tokens());
            }
        }
        Baseline baseline = new Baseline(checkpoint, logits, tokens);
        BASELINES.put(key, baseline);
        return baseline;
    }

    /** Random bytes of quantised types hold NaN scales, so experts are in float types here. */
    private static TensorType typeOf(Family family) {
        return switch (family) {
            case OLMOE, MIXTRAL -> TensorType.F32;
            case QWEN2_MOE -> TensorType.F16;
            case QWEN3_MOE -> TensorType.BF16;
        };
    }

    private static int[] prompt(int index) {
        return ModelHarness.prompt(index, 4 + 6 * index, VOCABULARY);
    }

    @AfterContainer
    static void deleteFiles() throws Exception {
        for (Baseline baseline : BASELINES.values()) {
            Files.deleteIfExists(baseline.checkpoint().location());
        }
        BASELINES.clear();
    }
}
