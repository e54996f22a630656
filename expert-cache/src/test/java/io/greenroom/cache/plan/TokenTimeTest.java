package io.greenroom.cache.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.greenroom.cache.sim.TimeModel;
import org.junit.jupiter.api.Test;

class TokenTimeTest {

    /** Two layers of two experts each; 10 ms a token, 1 ms of that for each expert. */
    private static final TokenTime TIME =
            new TokenTime(new TimeModel(1000, 1e6, 2e6, 1.5e6, 0.5e6, 0.75e6, 0.25e6), 2, 2, 2);

    @Test
    void addsUpTheParts() {
        assertThat(TIME.computeSeconds()).isCloseTo(0.010, within(1e-12));
        assertThat(TIME.tokensPerSecond(0)).isCloseTo(100, within(1e-9));
        assertThat(TIME.tokensPerSecond(0.01)).isCloseTo(50, within(1e-9));
    }

    @Test
    void doesNotStallWithoutMisses() {
        assertThat(TIME.stallSeconds(0, 1)).isZero();
    }

    @Test
    void waitsForAllWhenAllAreMissing() {
        // 1 ms until the first byte, 1 ms for each expert
        assertThat(TIME.stallSeconds(2, 1)).isCloseTo(0.003, within(1e-12));
    }

    @Test
    void resumesOnceForEachVisitThatWaits() {
        TimeModel resuming = new TimeModel(1000, 1e6, 2e6, 1.5e6, 0.5e6, 0.75e6, 0.25e6, 0.5e6);
        TokenTime time = new TokenTime(resuming, 2, 2, 2);
        assertThat(time.stallSeconds(2, 1)).isCloseTo(0.0035, within(1e-12));
        assertThat(time.stallSeconds(0, 1)).isZero();
    }

    @Test
    void computesResidentsMeanwhile() {
        // of two experts one is missing in half of all visits, both or none in a quarter each;
        // one miss: 2 ms less 1 ms of computing, both: 3 ms
        assertThat(TIME.stallSeconds(1, 1)).isCloseTo(0.5 * 0.001 + 0.25 * 0.003, within(1e-12));
    }

    @Test
    void stallsNoLessWithMoreMisses() {
        TokenTime wide = new TokenTime(TIME.model(), 2, 2, 8);
        double before = 0;
        for (double misses = 0; misses <= 8; misses += 0.25) {
            double stall = wide.stallSeconds(misses, 1);
            assertThat(stall).isGreaterThanOrEqualTo(before);
            before = stall;
        }
    }
}
