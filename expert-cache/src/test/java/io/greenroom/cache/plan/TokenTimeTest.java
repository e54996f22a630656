package io.greenroom.cache.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

class TokenTimeTest {

    /** 10 ms a token, 1 ms an expert, 2 ms to read one, 1 ms for each further one. */
    private static final TokenTime TIME = new TokenTime(0.010, 0.001, 0.002, 1000);

    @Test
    void doesNotStallWithoutMisses() {
        assertThat(TIME.stallSeconds(4, 0, 1)).isZero();
        assertThat(TIME.tokensPerSecond(0)).isCloseTo(100, within(1e-9));
    }

    @Test
    void waitsForAllWhenAllAreMissing() {
        assertThat(TIME.readSeconds(4, 1)).isCloseTo(0.005, within(1e-12));
        assertThat(TIME.stallSeconds(4, 4, 1)).isCloseTo(0.005, within(1e-12));
    }

    @Test
    void computesResidentsMeanwhile() {
        // of two experts one is missing in half of all visits, both or none in a quarter each;
        // one miss: 2 ms less 1 ms of computing, both: 3 ms
        assertThat(TIME.stallSeconds(2, 1, 1)).isCloseTo(0.5 * 0.001 + 0.25 * 0.003, within(1e-12));
    }

    @Test
    void stallsNoLessWithMoreMisses() {
        double before = 0;
        for (double misses = 0; misses <= 8; misses += 0.25) {
            double stall = TIME.stallSeconds(8, misses, 1);
            assertThat(stall).isGreaterThanOrEqualTo(before);
            before = stall;
        }
    }

    @Test
    void refusesWhatIsNoTime() {
        assertThatThrownBy(() -> new TokenTime(-1, 0, 0, 1))
                .hasMessage("The compute time must be finite and at least 0, got -1.0 s");
        assertThatThrownBy(() -> new TokenTime(1, 0, 0, 0))
                .hasMessage("The bandwidth must be above 0 bytes per second, got 0.0");
    }
}
