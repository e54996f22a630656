package io.greenroom.cache.heat;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

class PublicationTest {

    private static final double ENOUGH = Publication.LEAST_TOKENS;

    private static Heat heat(double tokens, float... shares) {
        return new Heat(1, shares.length, tokens, shares);
    }

    @Test
    void theFirstIsToldOnceItSaysSomething() {
        assertThat(Publication.isDue(heat(ENOUGH, 0.5f, 0.5f), null, 1)).isTrue();
        assertThat(Publication.isDue(heat(ENOUGH - 1, 0.5f, 0.5f), null, 1)).isFalse();
    }

    @Test
    void thenWhenAReplicaWouldLoseByIt() {
        float[] before = {0.9f, 0.8f, 0.1f, 0.1f, 0.05f, 0.05f, 0, 0};
        Heat published = heat(ENOUGH, before);
        float[] wavering = {0.88f, 0.9f, 0.1f, 0.11f, 0.05f, 0.05f, 0, 0};
        assertThat(Publication.isDue(heat(ENOUGH, wavering), published, 3)).isFalse();
        float[] changed = {0.9f, 0.1f, 0.1f, 0.8f, 0.05f, 0.05f, 0, 0};
        assertThat(Publication.staleness(heat(ENOUGH, changed), published, 8))
                .isCloseTo(0.7 / 1.7, within(1e-6));
        assertThat(Publication.isDue(heat(ENOUGH, changed), published, 8))
                .as("a model that holds all experts tells those that do not")
                .isTrue();
    }
}
