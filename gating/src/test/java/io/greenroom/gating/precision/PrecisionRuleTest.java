package io.greenroom.gating.precision;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.DoubleRange;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PrecisionRuleTest {

    private static List<Need> needs(PrecisionRule rule, float... weights) {
        List<Need> needs = new ArrayList<>();
        for (int rank = 0; rank < weights.length; rank++) {
            needs.add(rule.need(weights, 0, weights.length, rank));
        }
        return needs;
    }

    @Test
    void theWeightRankedAboveDecides() {
        assertThat(needs(PrecisionRule.DEFAULT, 0.5f, 0.25f, 0.125f, 0.0625f, 0.0625f))
                .containsExactly(Need.FULL, Need.FULL, Need.COPY, Need.COPY, Need.IF_RESIDENT);
        // 0.625 above the third
        assertThat(needs(PrecisionRule.DEFAULT, 0.375f, 0.25f, 0.25f, 0.125f))
                .containsExactly(Need.FULL, Need.FULL, Need.COPY, Need.COPY);
    }

    @Test
    void aThresholdItselfIsStillWithin() {
        PrecisionRule halves = new PrecisionRule(0.5, 0.75);
        assertThat(needs(halves, 0.5f, 0.25f, 0.25f))
                .containsExactly(Need.FULL, Need.FULL, Need.COPY);
    }

    @Test
    void weightsNeedNotSumToOneNorBeInOrder() {
        assertThat(needs(PrecisionRule.DEFAULT, 0.011f, 0.07f, 0.02f))
                .containsExactly(Need.COPY, Need.FULL, Need.COPY);
        assertThat(needs(new PrecisionRule(0, 0.5), 1, 1, 1, 1))
                .containsExactly(Need.FULL, Need.COPY, Need.COPY, Need.IF_RESIDENT);
        assertThat(needs(new PrecisionRule(0, 0), 0, 0)).containsOnly(Need.FULL);
    }

    @ParameterizedTest
    @CsvSource({"-0.1,0.5", "0.6,0.5", "0.5,1.1", "NaN,1", "0,NaN"})
    void thresholdsInNoOrderAreRefused(double full, double copy) {
        assertThatThrownBy(() -> new PrecisionRule(full, copy))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("up to " + full)
                .hasMessageContaining("write 0 <= full <= copy <= 1");
    }

    private static float[] random(long seed, int k) {
        Random random = new Random(seed);
        float[] weights = new float[k];
        for (int i = 0; i < k; i++) {
            weights[i] = (float) Math.exp(8 * random.nextGaussian());
        }
        return weights;
    }

    @Property
    void theExactRuleWantsEverythingInFull(
            @ForAll long seed, @ForAll @IntRange(min = 1, max = 40) int k) {
        assertThat(needs(PrecisionRule.EXACT, random(seed, k))).containsOnly(Need.FULL);
    }

    @Property
    void lessWeightIsNeverNeededMore(
            @ForAll long seed,
            @ForAll @IntRange(min = 1, max = 12) int k,
            @ForAll @DoubleRange(min = 0, max = 1) double a,
            @ForAll @DoubleRange(min = 0, max = 1) double b) {
        float[] weights = random(seed, k);
        PrecisionRule rule = new PrecisionRule(Math.min(a, b), Math.max(a, b));
        List<Need> needs = needs(rule, weights);
        int[] byWeight =
                IntStream.range(0, k)
                        .boxed()
                        .sorted((i, j) -> Float.compare(weights[j], weights[i]))
                        .mapToInt(Integer::intValue)
                        .toArray();
        assertThat(needs.get(byWeight[0])).isEqualTo(Need.FULL);
        for (int i = 1; i < k; i++) {
            assertThat(needs.get(byWeight[i])).isGreaterThanOrEqualTo(needs.get(byWeight[i - 1]));
        }
    }

    /** Where a row lies among others, and a factor on all its weights, change nothing. */
    @Property
    void needsAreTheRowsOwn(@ForAll long seed, @ForAll @IntRange(min = 1, max = 9) int k) {
        float[] weights = random(seed, k);
        float[] batch = new float[3 * k];
        for (int i = 0; i < k; i++) {
            batch[k + i] = weights[i] * 0.25f;
            batch[2 * k + i] = 7;
        }
        for (int rank = 0; rank < k; rank++) {
            assertThat(PrecisionRule.DEFAULT.need(batch, k, k, rank))
                    .isEqualTo(PrecisionRule.DEFAULT.need(weights, 0, k, rank));
        }
    }
}
