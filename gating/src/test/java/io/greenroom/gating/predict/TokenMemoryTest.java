package io.greenroom.gating.predict;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class TokenMemoryTest {

    private final TokenMemory memory = new TokenMemory(2, 10, 2);

    @Test
    void whatWasChosenBeforeIsFavoured() {
        memory.learn(0, 3, new int[] {9, 9, 1, 0}, 2);
        memory.learn(1, 3, new int[] {1, 0}, 0);
        // Deviation 2 about the mean 3: 5 more in the first layer, 0.5 in the others.
        assertThat(favoured(0, 3)).containsExactly(9f, 6, 6, 5, 5, 1, 1);
        assertThat(favoured(1, 3)).containsExactly(9f, 1.5f, 1.5f, 5, 5, 1, 1);
    }

    @Test
    void whatWasNeverReadIsLeftAlone() {
        memory.learn(0, 3, new int[] {1, 0}, 0);
        float[] untouched = {9, 1, 1, 5, 5, 1, 1};
        assertThat(favoured(0, 4)).containsExactly(untouched);
        assertThat(favoured(1, 3)).containsExactly(untouched);
        assertThat(favoured(2, 3)).as("beyond what is remembered").containsExactly(untouched);
        memory.learn(2, 3, new int[] {1, 0}, 0);
        assertThat(memory.knows(2, 3)).isFalse();
        assertThat(memory.knows(0, 3)).isTrue();
    }

    @Test
    void whatIsChosenAgainIsCounted() {
        memory.learn(0, 3, new int[] {2, 0}, 0);
        assertThat(memory.repeated(0, 3, new int[] {7, 0, 2}, 1)).isEqualTo(2);
        assertThat(memory.repeated(0, 3, new int[] {1, 2}, 0)).isEqualTo(1);
        assertThat(memory.repeated(0, 4, new int[] {2, 0}, 0)).isZero();
    }

    /** Logits 1 1 5 5 between others. */
    private float[] favoured(int layer, int token) {
        float[] logits = {9, 1, 1, 5, 5, 1, 1};
        memory.favour(layer, token, logits, 1, 4, layer == 0 ? 2.5 : 0.25);
        return logits;
    }
}
