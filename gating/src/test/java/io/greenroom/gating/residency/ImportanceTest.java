package io.greenroom.gating.residency;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.Arrays;
import org.junit.jupiter.api.Test;

class ImportanceTest {

    private static final float LN2 = (float) Math.log(2);
    private static final float LN4 = (float) Math.log(4);

    @Test
    void tokensCountByTheirInputsNormAndTheRoutersProbability() {
        Importance importance = new Importance(2, 4, 1e9);
        // Probabilities 1/8, 2/8, 4/8, 1/8 with norm 1, and 4/8, 1/8, 1/8, 2/8 with norm 3.
        float[] logits = {0, LN2, LN4, 0, LN4, 0, 0, LN2};
        importance.observe(1, logits, 0, 1);
        importance.observe(1, logits, 1, 3);
        assertShares(importance, 1, 13 / 32.0, 5 / 32.0, 7 / 32.0, 7 / 32.0);
        assertShares(importance, 0, 0, 0, 0, 0);
    }

    @Test
    void aTokenCountsHalfAfterAHalfLife() {
        Importance importance = new Importance(1, 2, 2);
        float[] first = {100, 0};
        float[] second = {0, 100};
        importance.observe(0, first, 0, 1);
        importance.observe(0, second, 0, 1);
        importance.observe(0, second, 0, 1);
        // 1/2 against 1 + 2^-1/2
        double later = 1 + Math.sqrt(0.5);
        assertShares(importance, 0, 0.5 / (0.5 + later), later / (0.5 + later));
    }

    @Test
    void expertsCountByTheirNormAndUnknownOnesByTheMean() {
        Importance importance = new Importance(1, 3, 8);
        importance.observe(0, new float[] {0, 0, 0}, 0, 1);
        importance.norm(0, 0, 6);
        assertThat(importance.knowsNorm(0, 0)).isTrue();
        assertThat(importance.knowsNorm(0, 1)).isFalse();
        assertShares(importance, 0, 1 / 3.0, 1 / 3.0, 1 / 3.0);
        importance.norm(0, 1, 2);
        assertShares(importance, 0, 6 / 12.0, 2 / 12.0, 4 / 12.0);
        // Once known, a norm stays; what is none is ignored.
        importance.norm(0, 1, 100);
        importance.norm(0, 2, Float.NaN);
        importance.norm(0, 2, 0);
        importance.norm(0, 2, Float.POSITIVE_INFINITY);
        assertShares(importance, 0, 6 / 12.0, 2 / 12.0, 4 / 12.0);
    }

    @Test
    void damagedTokensAreLeftOut() {
        Importance importance = new Importance(1, 2, 8);
        importance.observe(0, new float[] {Float.NaN, 1}, 0, 1);
        importance.observe(0, new float[] {1, 1}, 0, Float.NaN);
        importance.observe(0, new float[] {1, 1}, 0, Float.POSITIVE_INFINITY);
        assertShares(importance, 0, 0, 0);
    }

    @Test
    void aHalfLifeIsPositive() {
        assertThatThrownBy(() -> new Importance(1, 1, 0))
                .hasMessage("A half-life of 0.0 tokens; expected more than 0");
    }

    private static void assertShares(Importance importance, int layer, double... expected) {
        double[] shares = new double[expected.length];
        Arrays.fill(shares, -1);
        importance.shares(layer, shares);
        assertThat(shares).containsExactly(expected, within(1e-6));
    }
}
