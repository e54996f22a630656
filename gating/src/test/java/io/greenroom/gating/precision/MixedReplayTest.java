package io.greenroom.gating.precision;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.greenroom.cache.plan.LowCopies;
import io.greenroom.cache.policy.PolicyName;
import io.greenroom.cache.sim.GuessSource;
import io.greenroom.cache.sim.PolicySimulator;
import io.greenroom.cache.sim.RoutingSequence;
import io.greenroom.cache.sim.SimulationResult;
import io.greenroom.cache.sim.SimulationSetup;
import io.greenroom.cache.sim.TimeModel;
import io.greenroom.cache.trace.LayerRouting;
import io.greenroom.cache.trace.RoutingTrace;
import io.greenroom.cache.trace.TraceHeader;
import io.greenroom.cache.trace.TraceSection;
import io.greenroom.cache.trace.TraceStep;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import net.jqwik.api.Assume;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class MixedReplayTest {

    private static final long EXPERT = 1000;
    private static final long COPY = 500;
    private static final int K = 2;

    /** 1 us for each of: a layer, an expert, 1000 bytes; 2 us until the first of these. */
    private static final TimeModel TIME = new TimeModel(1e9, 2000, 0, 1000, 0, 1000, 0);

    @Test
    void countsByHand() {
        // one layer of 4 experts; the second expert of a token is ranked below 0.7 of its weight
        RoutingTrace trace =
                trace(
                        4,
                        1,
                        List.of(
                                token(0, 1), // reads 0, and a copy of 1
                                token(0, 1), // both are there
                                token(2, 1), // reads 2
                                token(1, 0))); // reads 1 in full, now that it is first
        MixedReplay.Setup setup = setup(PrecisionRule.DEFAULT, 4, 4, TIME);

        MixedResult result = MixedReplay.run(List.of(trace), setup);

        assertThat(result)
                .isEqualTo(
                        new MixedResult(
                                8,
                                3,
                                0,
                                5,
                                2,
                                3,
                                2,
                                0,
                                3 * EXPERT + COPY,
                                4,
                                4,
                                result.decodeNanos()));
        assertThat(result.hitRate()).isEqualTo(0.5);
        assertThat(result.copiedShare()).isEqualTo(3.0 / 8);
        assertThat(result.fullShare()).isEqualTo(5.0 / 8);
        // a layer, then: read 1 + 0.5, the copy computed last; nothing read; a read beside a
        // copy that is computed meanwhile; a read beside a resident
        double micros = (1 + 2 + 1 + 1 + 1) + (1 + 2) + (1 + 2 + 1 + 1) + (1 + 2 + 1 + 1);
        assertThat(result.decodeNanos()).isCloseTo(micros * 1000, within(1e-6));
    }

    @Test
    void withoutACopyInMemoryWhatMattersLeastIsDoneWithout() {
        RoutingTrace trace = trace(4, 1, List.of(token(0, 1), token(0, 2)));
        PrecisionRule skips = new PrecisionRule(0.3, 0.5);

        MixedResult result = MixedReplay.run(List.of(trace), setup(skips, 4, 4, TIME));

        assertThat(result.skipped()).isEqualTo(2);
        assertThat(result.without()).isEqualTo(2);
        assertThat(result.bytes()).isEqualTo(EXPERT);
        assertThat(result.skippedShare()).isEqualTo(0.5);
    }

    /**
     * With every expert in full it is the simulator, hit for hit and nanosecond for nanosecond; but
     * for Caffeine's policy, which draws lots.
     */
    @Property(tries = 40)
    void inFullItIsTheSimulator(
            @ForAll long seed,
            @ForAll @IntRange(min = 1, max = 4) int layers,
            @ForAll @IntRange(min = 2, max = 16) int slots,
            @ForAll PolicyName policy) {
        Assume.that(policy != PolicyName.TINYLFU);
        Random random = new Random(seed);
        List<int[]> tokens = new ArrayList<>();
        for (int i = 0; i < 60; i++) {
            tokens.add(token(random.nextInt(3), 3 + random.nextInt(3)));
        }
        RoutingTrace trace = trace(6, layers, tokens);
        TimeModel time = new TimeModel(1e9, 2000, 300, 1000, 50, 900, 80, 700);
        MixedReplay.Setup setup =
                new MixedReplay.Setup(policy, null, slots, 0, COPY, PrecisionRule.EXACT, time);

        MixedResult mixed = MixedReplay.run(List.of(trace), setup);
        SimulationResult simulated =
                PolicySimulator.run(
                        RoutingSequence.of(trace),
                        new SimulationSetup(policy, null, slots, GuessSource.NONE, time));

        assertThat(mixed.hits()).isEqualTo(simulated.hits());
        assertThat(mixed.asked()).isEqualTo(simulated.hits() + simulated.misses());
        assertThat(mixed.bytes()).isEqualTo(simulated.bytesLoaded());
        assertThat(mixed.decodeNanos()).isCloseTo(simulated.decodeNanos(), within(1e-3));
        assertThat(mixed.fullShare()).isEqualTo(1);
    }

    @Test
    void theDemandForCopiesIsWhatIsMissing() {
        RoutingTrace trace = trace(4, 1, List.of(token(0, 1), token(0, 1), token(2, 1)));

        LowCopies demand =
                CopyDemand.of(List.of(trace), setup(PrecisionRule.DEFAULT, 4, 4, TIME), 4096);

        // missing are 0 and 2 in full, and three times a copy of 1, as none is kept
        assertThat(demand.full()).isEqualTo(2.0 / 5);
        assertThat(demand.low()).isEqualTo(3.0 / 5);
        assertThat(demand.slotBytes()).isEqualTo(4096);
        // with a slot for a copy only the first request misses
        assertThat(demand.curves().get(0).values())
                .containsExactly(1, 1.0 / 3, 1.0 / 3, 1.0 / 3, 1.0 / 3);
    }

    @Test
    void aTraceWithoutProbabilitiesIsRefused() {
        RoutingTrace bare =
                new RoutingTrace(
                        header(4, 1, Set.of()),
                        List.of(step(List.of(LayerRouting.of(0, 1)))),
                        Optional.empty());
        assertThatThrownBy(
                        () ->
                                MixedReplay.run(
                                        List.of(bare), setup(PrecisionRule.DEFAULT, 4, 4, TIME)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("The trace of small has no router probabilities");
    }

    private static MixedReplay.Setup setup(
            PrecisionRule rule, int slots, int copySlots, TimeModel time) {
        return new MixedReplay.Setup(PolicyName.LRU, null, slots, copySlots, COPY, rule, time);
    }

    private static int[] token(int... experts) {
        return experts;
    }

    /** Every layer of a token asks for the same two experts, with weights 0.7 and 0.3. */
    private static RoutingTrace trace(int experts, int layers, List<int[]> tokens) {
        List<TraceStep> steps = new ArrayList<>();
        for (int[] chosen : tokens) {
            List<LayerRouting> routings = new ArrayList<>();
            for (int layer = 0; layer < layers; layer++) {
                routings.add(
                        new LayerRouting(
                                chosen,
                                new float[] {0.7f, 0.3f},
                                new float[0],
                                new float[0],
                                new int[0]));
            }
            steps.add(step(routings));
        }
        return new RoutingTrace(
                header(experts, layers, Set.of(TraceSection.PROBABILITIES)),
                steps,
                Optional.empty());
    }

    private static TraceStep step(List<LayerRouting> layers) {
        return new TraceStep(
                List.of(new TraceStep.Sequence(0, 1, TraceStep.Phase.DECODE, false)),
                new int[0],
                layers);
    }

    private static TraceHeader header(int experts, int layers, Set<TraceSection> sections) {
        long[] bytes = new long[layers];
        Arrays.fill(bytes, EXPERT);
        return new TraceHeader(
                "small", "0123456789abcdef", experts, K, K, 0, true, 4096, bytes, sections);
    }
}
