package io.greenroom.gating.predict;

import static org.assertj.core.api.Assertions.assertThat;

import io.greenroom.gating.RoutingDecision;
import org.junit.jupiter.api.Test;

class GuessCorrectionTest {

    private static final int[] TOKENS = {4, 5};

    private final GuessCorrection correction = new GuessCorrection(2, 3, 1, 10);

    @Test
    void theMeanErrorOfALayerIsTakenOffAllRows() {
        assertThat(corrected(1, 1, 1, 1, 1, 1, 1)).containsOnly(1);
        correction.learn(1, new float[] {2, 1, 1, 4, 1, 1}, decision(0, 0), TOKENS);
        assertThat(corrected(1, 0, 0, 0, 0, 0, 0)).containsExactly(2f, 0, 0, 2, 0, 0);
        correction.learn(0, new float[6], decision(0, 0), TOKENS); // another layer's: no lesson
        assertThat(corrected(1, 0, 0, 0, 0, 0, 0)).containsExactly(2f, 0, 0, 2, 0, 0);
        correction.learn(
                1,
                new float[3],
                new RoutingDecision(1, 1, new int[1], new float[1]),
                TOKENS); // rows have left: no lesson either
        assertThat(corrected(1, 0, 0, 0, 0, 0, 0)).containsExactly(2f, 0, 0, 2, 0, 0);
    }

    @Test
    void theFirstLayerRemembersWhatATokenChose() {
        correction.learn(0, new float[6], decision(2, 1), TOKENS);
        float[] first = corrected(0, 1, 0, 0, 1, 0, 0);
        assertThat(first[2]).as("token 4 chose expert 2").isBetween(0.1f, 0.9f);
        assertThat(first[4]).as("token 5 chose expert 1").isBetween(0.1f, 0.9f);
        correction.learn(1, new float[6], decision(2, 1), TOKENS);
        assertThat(corrected(1, 1, 0, 0, 1, 0, 0)).containsExactly(1f, 0, 0, 1, 0, 0);
    }

    @Test
    void memoryComesFirstWhereItFindsMoreThanTheGuess() {
        float[] said = {1, 0, 0, 1, 0, 0}; // as guessed, so that there is no drift
        correction.learn(0, said, decision(2, 1), TOKENS);
        for (int i = 0; i < 3; i++) {
            corrected(0, 1, 0, 0, 1, 0, 0);
            correction.learn(0, said, decision(2, 1), TOKENS); // the guess was 0 and 0
        }
        float[] trusted = corrected(0, 1, 0, 0, 1, 0, 0);
        assertThat(trusted[2]).isGreaterThan(trusted[0]);
        assertThat(trusted[4]).isGreaterThan(trusted[3]);
        for (int i = 0; i < 20; i++) {
            corrected(0, 1, 0, 0, 1, 0, 0);
            correction.learn(0, said, decision(0, 0), TOKENS); // now the guess is right
            corrected(0, 0, 1, 0, 0, 1, 0);
            correction.learn(0, new float[] {0, 1, 0, 0, 1, 0}, decision(1, 1), TOKENS);
        }
        float[] mistrusted = corrected(0, 1, 0, 0, 1, 0, 0);
        assertThat(mistrusted[0]).isGreaterThan(mistrusted[1]);
    }

    private float[] corrected(int layer, float... logits) {
        correction.correct(layer, logits, 2, TOKENS);
        return logits;
    }

    private static RoutingDecision decision(int first, int second) {
        return new RoutingDecision(2, 1, new int[] {first, second}, new float[2]);
    }
}
