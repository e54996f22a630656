package io.greenroom.gating.predict;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PrefetchWidthTest {

    private static final long EXPERT = 4_000_000;
    private static final long MILLI = 1_000_000;

    private final PrefetchWidth width = new PrefetchWidth(3);

    /** A link of 1 GB/s: an expert takes 4 ms. */
    private void carries() {
        width.carried(64 << 20, (64L << 20));
    }

    @ParameterizedTest
    @CsvSource({"0, 0", "0.9, 0", "1.0, 1", "4, 1", "4.9, 1", "5, 2", "12, 3", "100, 10"})
    void asManyAsFitIntoTheIdleTime(double idleMillis, int expected) {
        carries();
        width.asked(1, 50 * MILLI + Math.round(idleMillis * MILLI), 50 * MILLI);
        assertThat(width.width(1, EXPERT, 10)).isEqualTo(expected);
        assertThat(width.width(0, EXPERT, 10)).as("never asked").isZero();
        assertThat(width.fits(1, EXPERT)).isCloseTo(idleMillis / 4, within(0.01));
    }

    @Test
    void nothingFitsWhileNothingIsKnown() {
        assertThat(width.width(0, EXPERT, 10)).isZero();
        width.asked(0, 100 * MILLI, 0);
        assertThat(width.width(0, EXPERT, 10)).as("the bandwidth").isZero();
        assertThat(width.bandwidth()).isZero();
    }

    @Test
    void nothingFitsOnASaturatedLink() {
        carries();
        for (int i = 0; i < 100; i++) {
            width.asked(0, 20 * MILLI, 20 * MILLI);
            width.asked(1, 20 * MILLI, 21 * MILLI); // clocks are read one after the other
        }
        assertThat(width.width(0, EXPERT, 10)).isZero();
        assertThat(width.width(1, EXPERT, 10)).isZero();
        assertThat(width.idleShare()).isZero();
        assertThat(width.idleBytes()).isZero();
    }

    @Test
    void aLinkThatSomebodyElseUsesIsSlow() {
        carries();
        for (int i = 0; i < 100; i++) {
            width.asked(0, 8 * MILLI, 4 * MILLI);
        }
        assertThat(width.width(0, EXPERT, 10)).isOne();
        for (int i = 0; i < 100; i++) {
            width.carried(EXPERT, 40 * MILLI);
        }
        assertThat(width.width(0, EXPERT, 10)).isZero();
        assertThat(width.bandwidth()).isCloseTo(1e8, within(1e7));
    }

    @Test
    void averagesFollowAChangeWithinSomeTensOfSteps() {
        carries();
        for (int i = 0; i < 50; i++) {
            width.asked(0, 4 * MILLI, 4 * MILLI);
        }
        assertThat(width.width(0, EXPERT, 10)).isZero();
        for (int i = 0; i < 50; i++) {
            width.asked(0, 12 * MILLI, 4 * MILLI);
        }
        assertThat(width.width(0, EXPERT, 10)).isEqualTo(2);
        assertThat(width.idleShare()).isCloseTo(2.0 / 3, within(0.05));
        assertThat(width.idleBytes()).isBetween(7_000_000L, 8_000_000L);
        width.ended(12 * MILLI, 12 * MILLI);
        assertThat(width.idleShare()).as("no layer could use it").isCloseTo(1.0 / 3, within(0.03));
        width.ended(100 * MILLI, 0);
        assertThat(width.idleBytes()).isBetween(7_000_000L, 8_000_000L);
    }

    /** Somebody's debugger, a collection, a client that took its time. */
    @Test
    void oneOddSampleDoesNotWidenIt() {
        carries();
        for (int i = 0; i < 50; i++) {
            width.asked(0, 5 * MILLI, 4 * MILLI);
        }
        assertThat(width.width(0, EXPERT, 10)).isOne();
        width.asked(0, 10_000 * MILLI, 4 * MILLI);
        assertThat(width.width(0, EXPERT, 10)).isOne();
    }
}
