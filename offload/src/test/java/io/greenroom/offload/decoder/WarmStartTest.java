package io.greenroom.offload.decoder;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.greenroom.cache.CacheStats;
import io.greenroom.cache.ExpertId;
import io.greenroom.cache.heat.Heat;
import io.greenroom.cache.heat.HeatMeter;
import io.greenroom.cache.policy.PolicyName;
import io.greenroom.cache.usage.ExpertCounter;
import io.greenroom.cache.usage.UsageSnapshot;
import io.greenroom.offload.kernel.TensorType;
import io.greenroom.offload.store.Checkpoint;
import io.greenroom.offload.store.Checkpoints;
import io.greenroom.offload.store.ModelSpec.Family;
import io.greenroom.offload.store.TinyModel;
import java.nio.file.Path;
import java.util.Set;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAccumulator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A model that begins with another's heat: 36 experts, two of them per token. */
@Timeout(120)
class WarmStartTest {

    @TempDir private Path folder;

    private final ModelHarness harness = new ModelHarness();
    private Checkpoint checkpoint;
    private float[][] expected;
    private Heat heat;
    private long slot;

    @BeforeEach
    void measure() throws Exception {
        TinyModel tiny = new TinyModel(Family.OLMOE, 3, 64, 32, 12, 48, TensorType.F32, 5);
        checkpoint = Checkpoints.open(tiny.gguf().write(folder.resolve("tiny.gguf")));
        try (ServingModel model = harness.load(checkpoint, ModelHarness.options("100%"))) {
            slot = model.status().slotBytes();
            expected = model.evaluate(prompt());
            HeatMeter meter = new HeatMeter(3, 12, 2, HeatMeter.HALF_LIFE_TOKENS);
            meter.add(model.usage());
            heat = meter.heat();
        }
        harness.takeRead();
    }

    @AfterEach
    void allMemoryCameHome() {
        harness.close();
    }

    @ParameterizedTest
    @EnumSource(PolicyName.class)
    void itHasTheHottestExpertsAndAnswersAsEver(PolicyName policy) throws Exception {
        ModelOptions options = ModelHarness.builder("25%").cachePolicy(policy).build();
        LongAccumulator most = new LongAccumulator(Math::max, 0);
        harness.whenRead(() -> most.accumulate(harness.expertBytes()));
        try (ServingModel model = harness.load(checkpoint, options)) {
            assertThat(model.warm(heat).get(60, TimeUnit.SECONDS)).isEqualTo(9);
            assertThat(harness.takeRead()).isEqualTo(Set.copyOf(heat.hottest(9)));
            CacheStats warmed = model.status().cache();
            assertThat(warmed.background().warmed()).isEqualTo(9);
            assertThat(warmed.hits() + warmed.misses()).isZero();
            assertThat(warmed.evictions()).isZero();

            assertThat(model.evaluate(prompt())).isDeepEqualTo(expected);
            assertThat(most.get()).isPositive().isLessThanOrEqualTo(9 * slot);
        }
    }

    @Test
    void withRoomForAllNothingIsMissed() throws Exception {
        try (ServingModel model = harness.load(checkpoint, ModelHarness.options("100%"))) {
            int used = heat.hottest(100).size();
            assertThat(model.warm(heat).get(60, TimeUnit.SECONDS)).isEqualTo(used);
            assertThat(model.evaluate(prompt())).isDeepEqualTo(expected);
            assertThat(model.status().cache().misses()).isZero();
            assertThat(model.warm(heat)).isCompletedWithValue(0);
        }
    }

    @Test
    void requestsNeedNotWaitForIt() throws Exception {
        ExpertId coldest = heat.hottest(9).get(8);
        try (ServingModel model = harness.load(checkpoint, ModelHarness.options("25%"))) {
            harness.hangReads(coldest);
            CompletableFuture<Integer> warming = model.warm(heat);
            harness.awaitHungRead();
            assertThat(warming).isNotDone();
            int[] token = {tokenWithout(coldest)};
            assertThat(model.evaluate(token)).hasDimensions(1, 48);
            harness.endHungReads();
            assertThat(warming.get(60, TimeUnit.SECONDS)).isLessThan(9);
        }
    }

    /** A token whose experts do not include one. */
    private int tokenWithout(ExpertId not) throws Exception {
        for (int token = 0; token < 48; token++) {
            try (ServingModel other = harness.load(checkpoint, ModelHarness.options("100%"))) {
                var unused = other.evaluate(new int[] {token});
                UsageSnapshot usage = other.usage();
                if (usage.get(ExpertCounter.ROUTED, not.layer(), not.expert()) == 0) {
                    return token;
                }
            }
        }
        throw new AssertionError("every token uses " + not);
    }

    @Test
    void anUnloadEndsIt() throws Exception {
        ServingModel model = harness.load(checkpoint, ModelHarness.options("100%"));
        harness.hangReads(heat.hottest(1).get(0));
        CompletableFuture<Integer> warming = model.warm(heat);
        harness.awaitHungRead();
        Thread closer = new Thread(model::close);
        closer.start();
        assertThatThrownBy(() -> warming.get(60, TimeUnit.SECONDS))
                .isInstanceOf(CancellationException.class);
        harness.endHungReads();
        closer.join(60_000);
        assertThat(closer.isAlive()).isFalse();
    }

    @Test
    void theHeatOfAnotherModelIsRefused() throws Exception {
        try (ServingModel model = harness.load(checkpoint, ModelHarness.options("25%"))) {
            assertThatThrownBy(() -> model.warm(new Heat(3, 16, 1, new float[48])))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageStartingWith("The heat is of a model of 3 layers of 16 experts; ")
                    .hasMessageEndingWith("has 3 of 12");
            assertThat(model.status().residentExperts()).isZero();
        }
    }

    private static int[] prompt() {
        return ModelHarness.prompt(3, 40, 48);
    }
}
