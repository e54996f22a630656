package io.greenroom.offload.decoder;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.within;

import io.greenroom.cache.ExpertBudget;
import io.greenroom.cache.usage.LayerCounter;
import io.greenroom.cache.usage.UsageSnapshot;
import io.greenroom.gating.residency.RoutingCost;
import io.greenroom.gating.residency.RoutingDial;
import io.greenroom.offload.decoder.RoutingSettings.Swaps;
import io.greenroom.offload.kernel.TensorType;
import io.greenroom.offload.store.Checkpoint;
import io.greenroom.offload.store.Checkpoints;
import io.greenroom.offload.store.ModelSpec.Family;
import io.greenroom.offload.store.TinyModel;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Requests that yield to residents, and those beside them that do not. */
@Timeout(120)
class YieldingRoutingTest {

    private static final int VOCABULARY = 48;
    private static final int LAYERS = 3;
    private static final int EXPERTS = 12;
    private static final int K = TinyModel.EXPERTS_PER_TOKEN;
    private static final int TOKENS = 12;
    private static final RoutingDial BIASED = RoutingDial.parse("biased:0.3");
    private static final String SMALLEST = 100.0 * K / (LAYERS * EXPERTS) + 0.001 + "%";

    private final ModelHarness harness = new ModelHarness();

    @TempDir private Path folder;

    private Checkpoint checkpoint;

    @BeforeEach
    void writeModel() throws Exception {
        checkpoint = checkpoint(Family.QWEN3_MOE);
    }

    @AfterEach
    void everythingComesHome() {
        harness.close();
    }

    private Checkpoint checkpoint(Family family) throws Exception {
        Path file = folder.resolve(family + ".gguf");
        new TinyModel(family, LAYERS, 64, 32, EXPERTS, VOCABULARY, TensorType.F32, 11)
                .gguf()
                .write(file);
        return Checkpoints.open(file);
    }

    @ParameterizedTest
    @EnumSource
    void exactRequestsDoNotSeeThatTheirNeighboursYield(Family family) throws Exception {
        Checkpoint model = checkpoint(family);
        List<List<Integer>> alone = new ArrayList<>();
        float[][] logits;
        try (ServingModel resident = load(model, "100%", RoutingSettings.EXACT)) {
            for (int i = 0; i < 2; i++) {
                alone.add(generate(resident, prompt(i), null).awaitTokens());
            }
            logits = resident.evaluate(prompt(7));
        }
        try (ServingModel small = load(model, "40%", upToResident(true))) {
            List<Running> running = new ArrayList<>();
            for (int i = 0; i < 2; i++) {
                running.add(generate(small, prompt(10 + i), RoutingDial.RESIDENT));
                running.add(generate(small, prompt(i), RoutingDial.EXACT));
                running.add(generate(small, prompt(20 + i), BIASED));
            }
            assertThat(small.evaluate(prompt(7))).isDeepEqualTo(logits);
            for (int i = 0; i < 2; i++) {
                Running exact = running.get(3 * i + 1);
                assertThat(exact.awaitTokens()).isEqualTo(alone.get(i));
                assertThat(exact.usage().routing()).isEqualTo(RoutingDial.EXACT);
                assertThat(exact.usage().routingCost()).isEqualTo(RoutingCost.NONE);
                assertThat(running.get(3 * i).usage().routingCost().selections()).isPositive();
                assertThat(running.get(3 * i + 2).usage().routingCost().selections()).isPositive();
            }
        }
    }

    @Test
    void whereAllTheRouterWantsIsResidentEverySettingIsExact() throws Exception {
        try (ServingModel model = load("100%", upToResident(true))) {
            int[] all = prompt(1, 48);
            // From here on all that the router wants is there.
            float[][] exact = evaluate(model, all, 8, RoutingDial.EXACT);
            assertThat(evaluate(model, all, 8, BIASED)).isDeepEqualTo(exact);
            assertThat(evaluate(model, all, 8, RoutingDial.RESIDENT)).isDeepEqualTo(exact);
            RoutingCost cost = model.routing().cost();
            assertThat(cost.selections()).isEqualTo(2L * all.length * LAYERS * K);
            assertThat(cost.altered()).isZero();
            assertThat(cost.lostWeight()).isZero();
        }
    }

    @Test
    void theCountersOfLayersAddUpToWhatAllRequestsCost() throws Exception {
        try (ServingModel model = load("40%", upToResident(true))) {
            generate(model, prompt(3), RoutingDial.RESIDENT).awaitTokens();
            generate(model, prompt(4), BIASED).awaitTokens();

            RoutingCost cost = model.routing().cost();
            UsageSnapshot usage = model.usage();
            assertThat(usage.sum(LayerCounter.YIELDING)).isEqualTo(cost.selections()).isPositive();
            assertThat(usage.sum(LayerCounter.ALTERED)).isEqualTo(cost.altered()).isPositive();
            assertThat(usage.sum(LayerCounter.FALLBACKS)).isEqualTo(cost.fallbacks());
            assertThat(usage.sum(LayerCounter.EXACT_WEIGHT) / 1e9)
                    .isCloseTo(cost.exactWeight(), within(1e-6));
            assertThat(usage.sum(LayerCounter.LOST_WEIGHT) / 1e9)
                    .isCloseTo(cost.lostWeight(), within(1e-6));
            for (int layer = 0; layer < LAYERS; layer++) {
                assertThat(usage.get(LayerCounter.YIELDING, layer))
                        .isEqualTo(cost.selections() / LAYERS);
            }
        }
    }

    @Test
    void residentRoutingReadsNothingWhereResidentsSuffice() throws Exception {
        try (ServingModel model = load("50%", upToResident(true))) {
            evaluate(model, prompt(1, 40), 20, RoutingDial.EXACT);
            harness.takeRead();
            long loads = model.status().cache().loads();
            RoutingCost cost =
                    model.evaluate(
                            new EvaluationRequest(prompt(2, 40), 20, RoutingDial.RESIDENT),
                            (position, logits) -> {});
            assertThat(cost.fallbacks()).isZero();
            assertThat(cost.altered()).isPositive();
            assertThat(cost.lostWeight()).isPositive();
            assertThat(harness.takeRead()).isEmpty();
            assertThat(model.status().cache().loads()).isEqualTo(loads);
            // The same text read exactly would have needed others.
            evaluate(model, prompt(2, 40), 20, RoutingDial.EXACT);
            assertThat(model.status().cache().loads()).isGreaterThan(loads);
        }
    }

    @Test
    void residentRoutingAdmitsOthersWhereALayerHasTooFew() throws Exception {
        // Room for one token of one layer: the next layer finds nobody of its own.
        try (ServingModel model = load(SMALLEST, upToResident(true))) {
            float[][] exact = evaluate(model, prompt(1), 1, RoutingDial.EXACT);
            RoutingCost cost =
                    model.evaluate(
                            new EvaluationRequest(prompt(1), 1, RoutingDial.RESIDENT),
                            (position, logits) -> assertThat(logits).isEqualTo(exact[position]));
            // None resident is none preferred: what is admitted is what the router wants.
            assertThat(cost.selections()).isEqualTo((long) prompt(1).length * LAYERS * K);
            assertThat(cost.fallbacks()).isEqualTo(cost.selections());
            assertThat(cost.altered()).isZero();
        }
    }

    @Test
    void aBiasSavesReadsAndAltersLess() throws Exception {
        RoutingCost[] costs = new RoutingCost[3];
        long[] misses = new long[3];
        RoutingDial[] dials = {RoutingDial.EXACT, BIASED, RoutingDial.RESIDENT};
        for (int i = 0; i < dials.length; i++) {
            try (ServingModel model = load("50%", upToResident(false))) {
                evaluate(model, prompt(1, 40), 20, RoutingDial.EXACT);
                long before = model.status().cache().misses();
                costs[i] =
                        model.evaluate(
                                new EvaluationRequest(prompt(2, 60), 1, dials[i]),
                                (position, logits) -> {});
                misses[i] = model.status().cache().misses() - before;
            }
        }
        assertThat(misses[0]).isGreaterThan(misses[1]);
        assertThat(misses[1]).isGreaterThan(misses[2]);
        assertThat(costs[0]).isEqualTo(RoutingCost.NONE);
        assertThat(costs[1].altered()).isBetween(1L, costs[2].altered() - 1);
        assertThat(costs[1].lostShare()).isLessThan(costs[2].lostShare());
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void promptsYieldOnlyIfTheModelSaysSo(boolean prompts) throws Exception {
        try (ServingModel model = load("50%", upToResident(prompts))) {
            RoutingCost cost =
                    model.evaluate(
                            new EvaluationRequest(prompt(1, 30), 20, BIASED),
                            (position, logits) -> {});
            assertThat(cost.selections()).isEqualTo((prompts ? 30L : 10L) * LAYERS * K);
            Running running = generate(model, prompt(1, 30), BIASED);
            running.awaitTokens();
            // The last token produced is not fed back.
            assertThat(running.usage().routingCost().selections())
                    .isEqualTo((TOKENS - 1 + (prompts ? 30L : 0L)) * LAYERS * K);
        }
    }

    @ParameterizedTest
    @EnumSource
    void expertsComeInTheBackgroundWhereResidentsAreLivedBy(Swaps swaps) throws Exception {
        RoutingSettings renewing =
                new RoutingSettings(RoutingDial.EXACT, RoutingDial.RESIDENT, false, swaps);
        try (ServingModel model = load("40%", renewing)) {
            int[] text = prompt(3, 60);
            // Exact requests, and mild biases, exchange nothing.
            evaluate(model, text, 20, RoutingDial.EXACT);
            evaluate(model, text, 20, BIASED);
            assertThat(model.status().cache().background().swaps()).isZero();
            evaluate(model, text, 20, RoutingDial.RESIDENT);
            // Reads may still be under way when the text ends; they are over when the next has.
            evaluate(model, text, 20, RoutingDial.RESIDENT);
            assertThat(model.status().cache().background().swaps())
                    .isBetween(swaps == Swaps.OFF ? 0L : 1L, swaps == Swaps.OFF ? 0L : 2L * 60);
            MoeModel.Status status = model.status();
            assertThat(status.residentExperts()).isLessThanOrEqualTo(status.slots());
            assertThat(status.arenaBytes()).isLessThanOrEqualTo(status.budgetBytes());
        }
    }

    @Test
    void exactRequestsAreExactWhileResidentsAreExchanged() throws Exception {
        float[][] exact;
        try (ServingModel resident = load("100%", RoutingSettings.EXACT)) {
            exact = resident.evaluate(prompt(7, 40));
        }
        RoutingSettings renewing =
                new RoutingSettings(
                        RoutingDial.EXACT, RoutingDial.RESIDENT, true, Swaps.IMPORTANCE);
        try (ServingModel model = load("30%", renewing)) {
            List<Running> others = new ArrayList<>();
            for (int i = 0; i < 3; i++) {
                others.add(generate(model, prompt(i, 20), RoutingDial.RESIDENT));
            }
            assertThat(evaluate(model, prompt(7, 40), 8, RoutingDial.EXACT)).isDeepEqualTo(exact);
            for (Running other : others) {
                assertThat(other.awaitTokens()).hasSize(TOKENS);
            }
        }
    }

    @Test
    void requestsGetWhatTheyAskForUpToTheLimit() throws Exception {
        RoutingSettings settings =
                new RoutingSettings(RoutingDial.parse("biased:0.1"), BIASED, false, Swaps.OFF);
        try (ServingModel model = load("50%", settings)) {
            assertThat(routingOf(model, null)).hasToString("biased:0.1");
            assertThat(routingOf(model, RoutingDial.EXACT)).hasToString("exact");
            assertThat(routingOf(model, RoutingDial.parse("biased:0.2"))).hasToString("biased:0.2");
            assertThat(routingOf(model, RoutingDial.RESIDENT)).hasToString("biased:0.3");
            assertThat(model.routing().standard()).isEqualTo(settings.standard());
            assertThat(model.routing().limit()).isEqualTo(BIASED);
        }
    }

    @Test
    void aStandardBeyondTheLimitIsRefused() {
        assertThatIllegalArgumentException()
                .isThrownBy(
                        () -> new RoutingSettings(RoutingDial.RESIDENT, BIASED, false, Swaps.OFF))
                .withMessage(
                        "Option routing is resident, which goes further than its limit, biased:0.3;"
                                + " raise the limit or lower the routing");
    }

    @Test
    void impossibleEvaluationsAreRefused() {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> EvaluationRequest.exact(new int[0]))
                .withMessage("The text is empty; it needs at least one token");
        assertThatIllegalArgumentException()
                .isThrownBy(() -> new EvaluationRequest(new int[2], 3, RoutingDial.EXACT))
                .withMessage("A prompt of 3 tokens cannot be the beginning of a text of 2");
    }

    private static RoutingDial routingOf(ServingModel model, @Nullable RoutingDial asked)
            throws Exception {
        return generate(model, prompt(1), asked).usage().routing();
    }

    private static RoutingSettings upToResident(boolean prompts) {
        return new RoutingSettings(RoutingDial.EXACT, RoutingDial.RESIDENT, prompts, Swaps.OFF);
    }

    private ServingModel load(String budget, RoutingSettings routing) throws Exception {
        return load(checkpoint, budget, routing);
    }

    private ServingModel load(Checkpoint model, String budget, RoutingSettings routing)
            throws Exception {
        return harness.load(
                model,
                ModelOptions.builder()
                        .budget(ExpertBudget.parse(budget))
                        .prefetch(ModelOptions.Prefetch.OFF)
                        .maxConcurrent(4)
                        .prefillChunk(16)
                        .threads(1)
                        .routing(routing)
                        .build());
    }

    private static int[] prompt(int seed) {
        return prompt(seed, 10);
    }

    private static int[] prompt(int seed, int length) {
        return ModelHarness.prompt(seed, length, VOCABULARY);
    }

    private static float[][] evaluate(
            ServingModel model, int[] tokens, int promptTokens, RoutingDial dial) {
        float[][] kept = new float[tokens.length][];
        model.evaluate(
                new EvaluationRequest(tokens, promptTokens, dial),
                (position, logits) -> kept[position] = logits.clone());
        return kept;
    }

    /** A generation that is waited for. */
    private record Running(RecordingListener listener) {

        List<Integer> awaitTokens() throws Exception {
            assertThat(listener.await().failure()).isNull();
            return listener.tokens();
        }

        GenerationUsage usage() throws Exception {
            return listener.await().usage();
        }
    }

    private static Running generate(
            ServingModel model, int[] prompt, @Nullable RoutingDial routing) {
        RecordingListener listener = new RecordingListener();
        model.submit(
                new GenerationRequest(prompt, TOKENS, SamplingParameters.GREEDY, Set.of(), routing),
                listener);
        return new Running(listener);
    }
}
