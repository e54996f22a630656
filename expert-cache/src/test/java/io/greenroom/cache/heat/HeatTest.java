package io.greenroom.cache.heat;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.greenroom.cache.ExpertId;
import io.greenroom.cache.usage.ExpertUsage;
import java.util.Random;
import java.util.stream.IntStream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class HeatTest {

    private static final Heat HEAT =
            new Heat(2, 4, 100, new float[] {0.5f, 0, 1, 0.1f, 0.5f, 0.25f, 0, 0});

    @Test
    void theHottestComeFirstAndThoseNeverUsedNotAtAll() {
        assertThat(HEAT.hottest(3)).containsExactly(id(0, 2), id(0, 0), id(1, 0));
        assertThat(HEAT.hottest(100))
                .containsExactly(id(0, 2), id(0, 0), id(1, 0), id(1, 1), id(0, 3));
        assertThat(HEAT.hottest(0)).isEmpty();
        assertThat(HEAT.shares(1)).containsExactly(0.5f, 0.25f, 0, 0);
    }

    @Test
    void stalenessIsTheDemandThatWouldBeLost() {
        Heat before = new Heat(2, 4, 50, new float[] {1, 0.9f, 0.8f, 0, 0, 0, 0, 0});
        // Two slots: 1 and 0.5 could be met; 0,0 and 0,1 meet 0.5 and 0.
        assertThat(HEAT.staleness(before, 2)).isCloseTo(1 - 0.5 / 1.5, within(1e-6));
        assertThat(HEAT.staleness(HEAT, 2)).isZero();
        assertThat(HEAT.staleness(before, 0)).isZero();
    }

    @Test
    void whoIsEquallyHotMayChangePlacesUnnoticed() {
        Heat other = new Heat(2, 4, 50, new float[] {0.4f, 0, 0.9f, 0, 0.5f, 0, 0, 0});
        assertThat(other.hottest(2)).doesNotContain(id(0, 0));
        assertThat(HEAT.staleness(other, 2)).isZero();
    }

    @Test
    void replicasCountByTheirTokens() {
        Heat other = new Heat(2, 4, 300, new float[] {0, 0, 1, 0, 0, 0, 0, 0.4f});
        Heat both = HEAT.plus(other);
        assertThat(both.tokens()).isEqualTo(400);
        assertThat(both.share(0, 0)).isEqualTo(0.125f);
        assertThat(both.share(0, 2)).isEqualTo(1);
        assertThat(both.share(1, 3)).isCloseTo(0.3f, within(1e-6f));
        Heat nothing = new Heat(2, 4, 0, new float[8]);
        assertThat(nothing.plus(nothing)).isEqualTo(nothing);
    }

    @Test
    void anotherModelsHeatIsRefused() {
        Heat other = new Heat(4, 2, 1, new float[8]);
        assertThat(other.fits(2, 4)).isFalse();
        assertThatThrownBy(() -> HEAT.plus(other))
                .hasMessage("Heat of 2x4 and of 4x2 experts is not of the same model");
        assertThatThrownBy(() -> HEAT.staleness(other, 1))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new HeatMeter(2, 4, 1, 10).begin(other))
                .hasMessageEndingWith("cannot be gone on from in a model of 2x4");
    }

    @ParameterizedTest
    @ValueSource(floats = {Float.NaN, -0.1f, 1.01f, Float.POSITIVE_INFINITY})
    void whatIsNoShareIsRefusedByName(float share) {
        assertThatThrownBy(() -> new Heat(1, 2, 1, new float[] {0, share}))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage(
                        "Expert L0/E1 has a share of " + share + " of the tokens; expected 0 to 1");
    }

    @ParameterizedTest
    @ValueSource(doubles = {Double.NaN, -1, Double.POSITIVE_INFINITY})
    void whatIsNoNumberOfTokensIsRefused(double tokens) {
        assertThatThrownBy(() -> new Heat(1, 2, tokens, new float[2]))
                .hasMessage("Heat of " + tokens + " tokens; expected a number of at least 0");
        assertThatThrownBy(() -> new Heat(1 << 30, 4, 1, new float[0]))
                .hasMessage("0 shares cannot be those of 1073741824 layers of 4 experts");
    }

    @Test
    void tokensCountHalfAfterTheHalfLife() {
        HeatMeter meter = new HeatMeter(1, 4, 2, 100);
        meter.add(0, new long[] {1, 1, 0, 0});
        for (int token = 0; token < 100; token++) {
            meter.add(0, new long[] {0, 1, 1, 0});
        }
        Heat heat = meter.heat();
        // The sum of 2^(-age/100) over 101 tokens, of which the first weighs half.
        assertThat(heat.share(0, 0) * heat.tokens()).isCloseTo(0.5, within(0.01));
        assertThat(heat.tokens()).isCloseTo(73, within(1.0));
        assertThat(heat.share(0, 1)).isCloseTo(1, within(1e-6f));
        assertThat(heat.share(0, 3)).isZero();
    }

    @Test
    void countersOfAnIntervalAreAdded() {
        ExpertUsage usage = new ExpertUsage(2, 4, id -> 1);
        usage.routed(1, new int[] {0, 3, 0, 1}, 4);
        HeatMeter meter = new HeatMeter(2, 4, 2, 1e9);
        meter.add(usage.snapshot());
        assertThat(meter.heat().tokens()).isCloseTo(2, within(1e-6));
        assertThat(meter.heat().shares(1)).containsExactly(1, 0.5f, 0, 0.5f);
        assertThat(meter.heat().shares(0)).containsExactly(0, 0, 0, 0);
    }

    @Test
    void aFewTokensDoNotOutweighWhatWasKnown() {
        HeatMeter meter = new HeatMeter(2, 4, 1, 1000);
        meter.begin(HEAT);
        assertThat(meter.heat()).isEqualTo(HEAT);
        meter.add(0, new long[] {0, 1, 0, 0});
        assertThat(meter.heat().hottest(1)).containsExactly(id(0, 2));
    }

    /** However tokens are divided into intervals, their shares stay about the same, and valid. */
    @Property(tries = 100)
    void sharesDependLittleOnTheIntervals(
            @ForAll @IntRange(min = 1, max = 64) int interval, @ForAll long seed) {
        Random random = new Random(seed);
        HeatMeter fine = new HeatMeter(1, 8, 2, 512);
        HeatMeter coarse = new HeatMeter(1, 8, 2, 512);
        long[] waiting = new long[8];
        for (int token = 1; token <= 64 * interval; token++) {
            int first = random.nextInt(8);
            int second = (first + 1 + random.nextInt(7)) % 8;
            long[] one = new long[8];
            one[first]++;
            one[second]++;
            waiting[first]++;
            waiting[second]++;
            fine.add(0, one);
            if (token % interval == 0) {
                coarse.add(0, waiting);
                waiting = new long[8];
            }
        }
        Heat a = fine.heat();
        Heat b = coarse.heat();
        assertThat(b.tokens()).isCloseTo(a.tokens(), within(1.0));
        assertThat(IntStream.range(0, 8).mapToDouble(i -> b.share(0, i)).sum())
                .isCloseTo(2, within(1e-4));
        for (int expert = 0; expert < 8; expert++) {
            assertThat(b.share(0, expert)).isCloseTo(a.share(0, expert), within(0.05f));
        }
    }

    private static ExpertId id(int layer, int expert) {
        return new ExpertId(layer, expert);
    }
}
