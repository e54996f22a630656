package io.greenroom.offload.decoder;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class StepTimesTest {

    private final AtomicLong clock = new AtomicLong(5);
    private final AtomicLong stalled = new AtomicLong();
    private final StepTimes times = new StepTimes(clock::get, stalled::get);

    @Test
    void knowsNothingBeforeOneStepHasFollowedAnother() {
        step(1000, 100, 1, true);
        assertThat(times.computeSeconds()).isEmpty();
        assertThat(times.stallSeconds()).isZero();
    }

    @Test
    void tellsComputingFromStalling() {
        step(1000, 0, 1, true);
        step(10, 4, 1, true);
        assertThat(times.computeSeconds().getAsDouble()).isCloseTo(0.006, within(1e-9));
        assertThat(times.stallSeconds()).isCloseTo(0.004, within(1e-9));
    }

    @Test
    void sharesAStepAmongItsTokens() {
        step(1000, 0, 1, true);
        step(10, 4, 4, true);
        assertThat(times.computeSeconds().getAsDouble()).isCloseTo(0.0015, within(1e-9));
        assertThat(times.stallSeconds()).isCloseTo(0.001, within(1e-9));
    }

    @Test
    void leavesPromptsOut() {
        step(1000, 0, 1, true);
        step(500, 400, 100, false);
        step(10, 4, 1, true);
        assertThat(times.computeSeconds().getAsDouble()).isCloseTo(0.006, within(1e-9));
        assertThat(times.stallSeconds()).isCloseTo(0.004, within(1e-9));
    }

    @Test
    void forgetsHowItWas() {
        step(0, 0, 1, true);
        for (int i = 0; i < 100; i++) {
            step(100, 0, 1, true);
        }
        for (int i = 0; i < 2560; i++) { // ten half-lives
            step(10, 0, 1, true);
        }
        assertThat(times.computeSeconds().getAsDouble()).isCloseTo(0.010, within(0.0005));
    }

    private void step(long millis, long stallMillis, int rows, boolean decode) {
        clock.addAndGet(millis * 1_000_000);
        stalled.addAndGet(stallMillis * 1_000_000);
        times.stepped(rows, decode);
    }
}
