package io.greenroom.gating.predict;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Random;
import org.junit.jupiter.api.Test;

class LogitDriftTest {

    @Test
    void theFirstErrorIsBelievedThenTheMean() {
        LogitDrift drift = new LogitDrift(2);
        drift.learn(new float[] {9, 1, 1}, new float[] {9, 3, 0}, 1);
        assertThat(corrected(drift)).containsExactly(2, -1);
        drift.learn(new float[] {1, 1}, new float[] {1, 2}, 0);
        assertThat(corrected(drift)).containsExactly(1, 0);
    }

    @Test
    void aConstantErrorIsFoundThroughNoiseAndFollowedWhenItChanges() {
        LogitDrift drift = new LogitDrift(1);
        Random random = new Random(4);
        teach(drift, random, 1000, 3);
        assertThat(corrected(drift)[0]).isCloseTo(3, within(0.3f));
        teach(drift, random, 2000, -1);
        assertThat(corrected(drift)[0]).isCloseTo(-1, within(0.3f));
    }

    @Test
    void whatIsNotANumberTeachesNothing() {
        LogitDrift drift = new LogitDrift(2);
        drift.learn(new float[] {0, 0}, new float[] {1, Float.NaN}, 0);
        drift.learn(new float[] {0, Float.NEGATIVE_INFINITY}, new float[] {1, 0}, 0);
        assertThat(corrected(drift)).containsExactly(0, 0);
    }

    private static void teach(LogitDrift drift, Random random, int times, float error) {
        for (int i = 0; i < times; i++) {
            float predicted = (float) random.nextGaussian();
            float actual = predicted + error + (float) random.nextGaussian();
            drift.learn(new float[] {predicted}, new float[] {actual}, 0);
        }
    }

    private static float[] corrected(LogitDrift drift) {
        float[] logits = new float[2];
        drift.correct(logits, 0);
        return logits;
    }
}
