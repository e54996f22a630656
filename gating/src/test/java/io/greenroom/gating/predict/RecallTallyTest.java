package io.greenroom.gating.predict;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class RecallTallyTest {

    @Test
    void countsWhatWasForeseenMissedAndWasted() {
        RecallTally tally = new RecallTally(2, 6);
        float[] scores = {5, 4, 4, 1, 0, Float.NaN}; // ranks 0 1 2 3 4 last
        boolean[] resident = {true, false, false, false, true, true};
        tally.record(1, scores, new int[] {0, 2}, resident);
        RecallTally.Layer layer = tally.layers().get(1);
        // Chosen 0 (first) and 2 (third); of these 2 was missing. Among the first two, 1 was not
        // resident; among the first four 1, 2 and 3.
        assertThat(layer).isEqualTo(new RecallTally.Layer(1, 2, 1, 2, 1, 0, 1, 1, 3));
        assertThat(layer.recallAtK()).isEqualTo(0.5);
        assertThat(layer.recallAt2K()).isEqualTo(1);
        assertThat(layer.missRecallAtK()).isZero();
        assertThat(layer.missRecallAt2K()).isEqualTo(1);
        assertThat(layer.wastedAtK()).isEqualTo(1);
        assertThat(layer.wastedAt2K()).isEqualTo(2.0 / 3);
        tally.record(0, scores, new int[] {5, 1}, resident);
        assertThat(tally.layers().get(0).withinK()).as("a NaN is last").isEqualTo(1);
        assertThat(tally.total())
                .isEqualTo(layer.plus(tally.layers().get(0)))
                .isEqualTo(tally.layers().get(0).plus(layer));
        assertThat(RecallTally.Layer.NONE.recallAtK()).isZero();
    }

    @Property
    void partsAreNeverMoreThanTheWhole(
            @ForAll long seed,
            @ForAll @IntRange(min = 1, max = 20) int experts,
            @ForAll @IntRange(min = 1, max = 20) int wanted) {
        Random random = new Random(seed);
        int k = Math.min(wanted, experts);
        RecallTally tally = new RecallTally(1, experts);
        float[] scores = new float[experts];
        boolean[] resident = new boolean[experts];
        for (int token = 0; token < 5; token++) {
            for (int e = 0; e < experts; e++) {
                scores[e] = random.nextInt(4);
                resident[e] = random.nextBoolean();
            }
            int[] chosen = random.ints(0, experts).distinct().limit(k).toArray();
            tally.record(0, scores, chosen, resident);
        }
        RecallTally.Layer all = tally.total();
        assertThat(all.tokens()).isEqualTo(5);
        assertThat(all.chosen()).isEqualTo(5L * k);
        assertThat(all.withinK()).isLessThanOrEqualTo(all.within2K());
        assertThat(all.within2K()).isLessThanOrEqualTo(all.chosen());
        assertThat(all.missedWithinK()).isLessThanOrEqualTo(all.missedWithin2K());
        assertThat(all.missedWithin2K()).isLessThanOrEqualTo(all.missed());
        assertThat(all.missedWithinK()).isLessThanOrEqualTo(all.aheadAtK());
        assertThat(all.aheadAtK()).isLessThanOrEqualTo(5L * k);
        assertThat(all.aheadAtK()).isLessThanOrEqualTo(all.aheadAt2K());
    }
}
