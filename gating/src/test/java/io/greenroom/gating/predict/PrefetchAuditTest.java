package io.greenroom.gating.predict;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.greenroom.gating.predict.PrefetchAudit.Evidence;
import io.greenroom.gating.predict.PrefetchAudit.Step;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A decoder whose steps take as long as the test says. */
class PrefetchAuditTest {

    private static final double NEEDED = 40;

    private final PrefetchAudit audit = new PrefetchAudit(Evidence.DEFAULT);
    private final Random random = new Random(1);
    private int on;

    /**
     * Does steps of about 50 ms: 10 of computing, 1 for each of about 40 experts, and noise.
     *
     * @param gain share of a step that prefetch saves
     * @return share of the time that was lost against never prefetching
     */
    private double run(PrefetchAudit decoder, Random noise, int steps, double gain) {
        double lost = 0;
        on = 0;
        for (int i = 0; i < steps; i++) {
            boolean prefetch = decoder.next();
            long needed = Math.round(NEEDED + 8 * noise.nextGaussian());
            double millis = 10 + needed + 2 * noise.nextGaussian();
            if (noise.nextInt(30) == 0) {
                millis += 500; // something else had the machine
            }
            double saved = prefetch ? gain * (10 + NEEDED) : 0;
            decoder.step(new Step(Math.round((millis - saved) * 1e6), needed, 1));
            on += prefetch ? 1 : 0;
            lost -= saved;
        }
        return lost / (steps * (10 + NEEDED));
    }

    @ParameterizedTest
    @ValueSource(doubles = {0.02, 0.05, 0.2})
    void aGainIsFoundAndKept(double gain) {
        run(audit, random, 200, gain);
        assertThat(audit.isOn()).isTrue();
        assertThat(audit.reason()).startsWith("on: a step takes ").endsWith(" pairs)");
        assertThat(audit.gain()).isBetween(gain - 0.015, gain + 0.015);
        double lost = run(audit, random, 3000, gain);
        assertThat(-lost).as("most of it").isGreaterThan(0.75 * gain);
    }

    /** Over a few thousand steps, trials included. */
    @ParameterizedTest
    @ValueSource(doubles = {0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.3})
    void whatCostsTimeIsOffBeforeItHurts(double cost) {
        double lost = run(audit, random, 4000, -cost);
        assertThat(lost).isLessThan(0.01);
        if (cost >= 0.01) {
            assertThat(audit.reason()).contains("off for ");
        }
    }

    @Property(tries = 50)
    void itHurtsOnNoMachine(@ForAll long seed) {
        PrefetchAudit fresh = new PrefetchAudit(Evidence.DEFAULT);
        assertThat(run(fresh, new Random(seed), 3000, -0.04)).isLessThan(0.01);
    }

    /** Chance may speak for it, or against it; most often a trial ends without an answer. */
    @Test
    void whatNeitherGainsNorCostsIsMostlyOff() {
        int off = 0;
        int unanswered = 0;
        for (int seed = 0; seed < 40; seed++) {
            PrefetchAudit fresh = new PrefetchAudit(Evidence.DEFAULT);
            run(fresh, new Random(seed), 1000, -0.003);
            off += fresh.isOn() ? 0 : 1;
            unanswered += fresh.reason().contains("no gain was seen") ? 1 : 0;
            assertThat(fresh.gain()).isBetween(-0.08, 0.08);
        }
        assertThat(off).isGreaterThan(26);
        assertThat(unanswered).isPositive();
    }

    @Test
    void itIsTriedAgainAfterPausesThatDouble() {
        while (audit.isOn()) {
            run(audit, random, 1, -0.1);
        }
        assertThat(audit.reason())
                .startsWith("off for 256 steps, it costs time: a step takes -")
                .containsPattern(
                        "-\\d+\\.\\d % less with it \\(-\\d+\\.\\d to -\\d+\\.\\d, 12 pairs\\)");
        run(audit, random, 256, -0.1);
        assertThat(on).as("a pause is a pause").isZero();
        assertThat(audit.isOn()).isTrue();
        assertThat(audit.reason()).startsWith("on trial again; was off for 256 steps");
        while (audit.isOn()) {
            run(audit, random, 1, -0.1);
        }
        assertThat(audit.reason()).startsWith("off for 512 steps");
    }

    @Test
    void aChangeForTheBetterIsNoticed() {
        run(audit, random, 130, -0.1);
        assertThat(audit.isOn()).isFalse();
        run(audit, random, 500, 0.1);
        assertThat(audit.reason()).startsWith("on: ");
    }

    @Test
    void aSignOfBetterTimesEndsThePause() {
        run(audit, random, 130, -0.1);
        audit.tryAgain();
        run(audit, random, 100, 0.1);
        assertThat(audit.reason()).startsWith("on: ");
        audit.tryAgain();
        assertThat(audit.reason()).as("nothing to try").startsWith("on: ");
    }

    @Test
    void aChangeForTheWorseIsNoticed() {
        run(audit, random, 300, 0.1);
        assertThat(audit.isOn()).isTrue();
        assertThat(run(audit, random, 2000, -0.1)).isLessThan(0.07);
        assertThat(audit.isOn()).isFalse();
    }

    @Test
    void whileOnOneStepInSixteenGoesWithout() {
        run(audit, random, 300, 0.1);
        run(audit, random, 1600, 0.1);
        assertThat(on).isEqualTo(1500);
    }

    @Test
    void stepsOfDifferentSizeAreNoPair() {
        for (int i = 0; i < 1000; i++) {
            // With prefetch the batch happens to be small.
            audit.step(audit.next() ? new Step(1000, 1, 1) : new Step(2000, 1, 2));
        }
        assertThat(audit.reason()).isEqualTo("on trial: not judged yet");
    }

    @Test
    void whatComesBetweenTwoStepsMakesThemNoPair() {
        for (int i = 0; i < 1000; i++) {
            audit.step(new Step(audit.next() ? 1000 : 2000, 1, 1));
            audit.interrupted();
        }
        assertThat(audit.reason()).isEqualTo("on trial: not judged yet");
    }

    /** Half the steps of a trial, in turning order, so that a drift favours neither. */
    @Test
    void theOrderWithinPairsTurns() {
        boolean[] said = new boolean[8];
        for (int i = 0; i < said.length; i++) {
            said[i] = audit.next();
            audit.step(new Step(1000, 1, 1));
        }
        assertThat(said).containsExactly(true, false, false, true, true, false, false, true);
    }

    @Test
    void senselessSettingsAreRefused() {
        assertThatThrownBy(() -> new Evidence(3, 64, 16, 256, 8192, 0.005))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage(
                        "An audit needs at least 4 pairs, no fewer at most, a spacing of at least"
                                + " 2, pauses of at least 1 and a gain of at least 0, got 3, 64,"
                                + " 16, 256 to 8192 and 0.005");
        assertThatThrownBy(() -> new Evidence(12, 8, 16, 256, 8192, 0.005))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new Evidence(12, 64, 16, 256, 255, 0.005))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new Evidence(12, 64, 16, 256, 8192, Double.NaN))
                .isInstanceOf(IllegalArgumentException.class);
    }
}
