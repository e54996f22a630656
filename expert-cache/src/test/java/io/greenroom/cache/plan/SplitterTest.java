package io.greenroom.cache.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class SplitterTest {

    private static final OptimalSplit OPTIMAL = new OptimalSplit();
    private static final EqualSplit EQUAL = new EqualSplit();
    private static final ShallowFavouring SHALLOW = new ShallowFavouring();

    @Test
    void givesSlotsWhereTheySaveMost() {
        SplitProblem problem =
                SplitProblem.even(
                        List.of(MissCurve.of(4, 3, 2, 1), MissCurve.of(4, 0, 0, 0)), 3, 0);
        assertThat(OPTIMAL.split(problem)).containsExactly(2, 1);
    }

    @Test
    void seesBeyondACliff() {
        // one slot more brings the first layer nothing, three bring all
        SplitProblem problem =
                SplitProblem.even(
                        List.of(MissCurve.of(6, 6, 6, 0), MissCurve.of(4, 3, 2, 1)), 3, 0);
        assertThat(OPTIMAL.split(problem)).containsExactly(3, 0);
    }

    @Test
    void weighsMissesByTheirBytes() {
        List<MissCurve> same = List.of(MissCurve.of(2, 1, 0), MissCurve.of(2, 1, 0));
        assertThat(OPTIMAL.split(new SplitProblem(same, new long[] {1, 5}, 2, 0)))
                .containsExactly(0, 2);
    }

    @Test
    void giveALayerWithoutVisitsNothing() {
        SplitProblem problem =
                SplitProblem.even(
                        List.of(
                                MissCurve.of(0, 0, 0),
                                MissCurve.of(2, 1, 0),
                                MissCurve.of(2, 1, 0)),
                        4,
                        1);
        for (Splitter splitter : all(7)) {
            assertThat(splitter.split(problem)).containsExactly(0, 2, 2);
        }
    }

    @Test
    void theShallowRuleFillsFourLayersFirst() {
        List<MissCurve> curves = new ArrayList<>();
        for (int layer = 0; layer < 7; layer++) {
            curves.add(MissCurve.of(2, 1.5, 1, 0.5, 0.4));
        }
        assertThat(SHALLOW.split(SplitProblem.even(curves, 15, 1)))
                .containsExactly(4, 4, 3, 1, 1, 1, 1);
        assertThat(SHALLOW.split(SplitProblem.even(curves, 22, 1)))
                .containsExactly(4, 4, 4, 4, 2, 2, 2);
    }

    @Test
    void theGeneticSearchWouldOvershootWithoutRepair() {
        SplitProblem problem = random(new Random(5), 8, 32, 100, 1);
        GeneticSplit.Outcome outcome = new GeneticSplit(5).search(problem);
        assertThat(outcome.overshoot()).isPositive();
        assertThat(Arrays.stream(outcome.split()).sum()).isEqualTo(100);
    }

    @Property(tries = 60)
    void theOptimumIsNeverWorseAndNobodyOvershoots(
            @ForAll long seed,
            @ForAll @IntRange(min = 1, max = 6) int layers,
            @ForAll @IntRange(min = 1, max = 12) int experts,
            @ForAll @IntRange(min = 0, max = 3) int least,
            @ForAll @IntRange(min = 0, max = 80) int more) {
        Random random = new Random(seed);
        SplitProblem problem =
                random(random, layers, experts, layers * Math.min(least, experts) + more, least);
        double optimum = problem.bytesPerToken(OPTIMAL.split(problem));
        for (Splitter splitter : all(seed)) {
            int[] split = splitter.split(problem);
            assertThat(Arrays.stream(split).sum()).isEqualTo(problem.usable());
            for (int layer = 0; layer < layers; layer++) {
                assertThat(split[layer]).isBetween(problem.least(layer), problem.most(layer));
            }
            assertThat(optimum).isLessThanOrEqualTo(problem.bytesPerToken(split) + 1e-9);
        }
    }

    @Property(tries = 60)
    void theOptimumIsThatOfTryingEverySplit(
            @ForAll long seed, @ForAll @IntRange(min = 0, max = 12) int slots) {
        SplitProblem problem = random(new Random(seed), 3, 4, slots, 0);
        double least = Double.POSITIVE_INFINITY;
        for (int a = 0; a <= 4; a++) {
            for (int b = 0; b <= 4; b++) {
                for (int c = 0; c <= 4 && a + b + c <= slots; c++) {
                    least = Math.min(least, problem.bytesPerToken(new int[] {a, b, c}));
                }
            }
        }
        assertThat(problem.bytesPerToken(OPTIMAL.split(problem))).isCloseTo(least, within(1e-9));
    }

    @Test
    void refusesTooFewSlots() {
        List<MissCurve> two = List.of(MissCurve.of(2, 1, 0), MissCurve.of(2, 1, 0));
        assertThatThrownBy(() -> SplitProblem.even(two, 3, 2))
                .hasMessage("3 slots cannot give every layer 2; that takes 4 slots");
        assertThatThrownBy(() -> new SplitProblem(two, new long[1], 4, 2))
                .hasMessageContaining("got 2 curves and 1 sizes");
    }

    private static List<Splitter> all(long seed) {
        return List.of(OPTIMAL, EQUAL, SHALLOW, new GeneticSplit(seed));
    }

    /** Random falling curves, some with cliffs. */
    private static SplitProblem random(
            Random random, int layers, int experts, int slots, int least) {
        List<MissCurve> curves = new ArrayList<>();
        long[] bytes = new long[layers];
        for (int layer = 0; layer < layers; layer++) {
            double[] misses = random.doubles(experts + 1, 0, 4).sorted().toArray();
            double[] falling = new double[experts + 1];
            for (int i = 0; i <= experts; i++) {
                int from = random.nextInt(3) == 0 && i > 0 ? i - 1 : i;
                falling[i] = misses[experts - from];
            }
            curves.add(MissCurve.of(falling));
            bytes[layer] = 1 + random.nextInt(3);
        }
        return new SplitProblem(curves, bytes, slots, least);
    }
}
