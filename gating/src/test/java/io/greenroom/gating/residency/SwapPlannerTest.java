package io.greenroom.gating.residency;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.greenroom.gating.residency.SwapPlanner.Swap;
import java.util.BitSet;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class SwapPlannerTest {

    private static final int EXPERTS = 5;
    private static final int K = 1;

    @Test
    void theMostWantedComesForTheLeastWantedWhereverTheyAre() {
        Importance importance = importance(new double[] {10, 20, 30, 39, 1}, even());
        BitSet[] here = {set(0, 4), set(0, 1, 2, 3)};
        BitSet[] coming = {set(), set()};
        SwapPlanner planner = new SwapPlanner(2, EXPERTS, K, 1.2);
        planner.look(importance, here, coming);
        // 39 % for 1 %; then 30 % for 20 % of the other layer, which has more than it is worth.
        assertThat(planner.next(false)).isEqualTo(new Swap(0, 3, 0, 4));
        assertThat(planner.next(false)).isEqualTo(new Swap(0, 2, 1, 0));
        assertThat(here[0]).isEqualTo(set(0));
        assertThat(here[1]).isEqualTo(set(1, 2, 3));
        assertThat(coming[0]).isEqualTo(set(2, 3));
        // 20 % for 20 % is no gain.
        assertThat(planner.next(false)).isNull();
    }

    @Test
    void aSmallGainIsNotWorthARead() {
        Importance importance = importance(new double[] {24, 20, 19, 19, 18});
        BitSet[] here = {set(1, 2)};
        SwapPlanner planner = new SwapPlanner(1, EXPERTS, K, 1.5);
        planner.look(importance, here, new BitSet[] {set()});
        assertThat(planner.next(false)).isNull();
        SwapPlanner eager = new SwapPlanner(1, EXPERTS, K, 1);
        eager.look(importance, here, new BitSet[] {set()});
        assertThat(eager.next(false)).isEqualTo(new Swap(0, 0, 0, 2));
    }

    @Test
    void aFreeSlotIsFilledWhateverTheMargin() {
        Importance importance = importance(new double[] {24, 20, 19, 19, 18}, even());
        BitSet[] here = {set(0, 1, 2, 3), set()};
        BitSet[] coming = {set(), set(0)};
        SwapPlanner planner = new SwapPlanner(2, EXPERTS, K, 2);
        planner.look(importance, here, coming);
        assertThat(planner.next(true)).isEqualTo(new Swap(1, 1, -1, -1));
        assertThat(coming[1]).isEqualTo(set(0, 1));
    }

    @Test
    void aLayerKeepsWhatATokenNeeds() {
        Importance importance = importance(new double[] {50, 50, 0, 0, 0});
        BitSet[] here = {set(3, 4)};
        SwapPlanner planner = new SwapPlanner(1, EXPERTS, 2, 1);
        planner.look(importance, here, new BitSet[] {set()});
        assertThat(planner.next(false)).isNull();
    }

    @Test
    void nothingIsKnownBeforeTheFirstToken() {
        SwapPlanner planner = new SwapPlanner(1, EXPERTS, K, 1);
        planner.look(new Importance(1, EXPERTS, 8), new BitSet[] {set(0, 1)}, new BitSet[] {set()});
        assertThat(planner.next(true)).isNull();
        assertThat(planner.next(false)).isNull();
    }

    @Test
    void layersWithoutRoutedExpertsAreLeftOut() {
        SwapPlanner planner = new SwapPlanner(2, EXPERTS, K, 1);
        planner.look(
                importance(even(), new double[] {60, 10, 10, 10, 10}),
                new BitSet[] {null, set(1, 2)},
                new BitSet[] {null, set()});
        assertThat(planner.next(false)).isEqualTo(new Swap(1, 0, 1, 1));
    }

    @Test
    void aMarginIsAtLeastOne() {
        assertThatThrownBy(() -> new SwapPlanner(1, 1, 1, 0.9))
                .hasMessage("A margin of 0.9; expected 1 or more");
    }

    @Property(tries = 300)
    void exchangesEndAndNeverTakeAnExpertTwice(
            @ForAll long seed, @ForAll @IntRange(min = 1, max = 4) int k) {
        Random random = new Random(seed);
        int layers = 3;
        int experts = 8;
        Importance importance = new Importance(layers, experts, 4);
        BitSet[] here = new BitSet[layers];
        BitSet[] coming = new BitSet[layers];
        int slots = 0;
        for (int layer = 0; layer < layers; layer++) {
            float[] logits = new float[experts];
            here[layer] = new BitSet();
            coming[layer] = new BitSet();
            for (int expert = 0; expert < experts; expert++) {
                logits[expert] = (float) random.nextGaussian() * 2;
                here[layer].set(expert, random.nextInt(3) == 0);
                coming[layer].set(expert, !here[layer].get(expert) && random.nextInt(8) == 0);
            }
            slots += here[layer].cardinality() + coming[layer].cardinality();
            importance.observe(layer, logits, 0, 1);
        }
        SwapPlanner planner = new SwapPlanner(layers, experts, k, 1.1);
        planner.look(importance, here, coming);
        int count = 0;
        for (Swap swap = planner.next(false); swap != null; swap = planner.next(false)) {
            assertThat(++count).isLessThanOrEqualTo(layers * experts);
            assertThat(coming[swap.inLayer()].get(swap.in())).isTrue();
            assertThat(here[swap.inLayer()].get(swap.in())).isFalse();
            assertThat(here[swap.outLayer()].get(swap.out())).isFalse();
            assertThat(here[swap.outLayer()].cardinality()).isGreaterThanOrEqualTo(k);
            int now = 0;
            for (int layer = 0; layer < layers; layer++) {
                assertThat(here[layer].intersects(coming[layer])).isFalse();
                now += here[layer].cardinality() + coming[layer].cardinality();
            }
            assertThat(now).isEqualTo(slots);
        }
    }

    /** Importance in which each layer's experts have the given weights. */
    private static Importance importance(double[]... weights) {
        Importance importance = new Importance(weights.length, EXPERTS, 8);
        for (int layer = 0; layer < weights.length; layer++) {
            float[] logits = new float[EXPERTS];
            for (int expert = 0; expert < EXPERTS; expert++) {
                logits[expert] = (float) Math.log(Math.max(weights[layer][expert], 1e-30));
            }
            importance.observe(layer, logits, 0, 1);
        }
        return importance;
    }

    private static double[] even() {
        return new double[] {20, 20, 20, 20, 20};
    }

    private static BitSet set(int... members) {
        BitSet set = new BitSet();
        for (int member : members) {
            set.set(member);
        }
        return set;
    }
}
