package io.greenroom.gating.predict;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.greenroom.cache.CacheStats;
import org.junit.jupiter.api.Test;

class PrefetchAuditTest {

    private static final CacheStats START = stats(0, 0, 0, 0, 0);

    private final PrefetchAudit audit = new PrefetchAudit(100, 0.5, 3, START);

    @Test
    void nothingIsJudgedBeforeAWindowIsFull() {
        assertThat(audit.isOn()).isTrue();
        assertThat(audit.step(stats(99, 0, 0, 99, 0))).isTrue();
        assertThat(audit.reason()).isEqualTo("on: not judged yet");
    }

    @Test
    void aWindowThatWasHalfUsefulGoesOn() {
        assertThat(audit.step(stats(100, 50, 20, 30, 0))).isTrue();
        assertThat(audit.reason())
                .isEqualTo(
                        "on: 50 of 100 prefetched experts were useful (50 %, 50 % required), 20"
                                + " late, 30 wasted; stalled 0.000 s");
    }

    @Test
    void aWindowThatWasNotPausesPrefetchThenTriesAgain() {
        assertThat(audit.step(stats(120, 48, 12, 60, 1_500_000_000L))).isFalse();
        assertThat(audit.isOn()).isFalse();
        String off =
                "off for 3 steps: 48 of 120 prefetched experts were useful (40 %, 50 % required),"
                        + " 12 late, 60 wasted; stalled 1.500 s";
        assertThat(audit.reason()).isEqualTo(off);
        CacheStats still = stats(120, 48, 12, 60, 9);
        assertThat(audit.step(still)).isFalse();
        assertThat(audit.step(still)).isFalse();
        assertThat(audit.step(still)).isTrue();
        assertThat(audit.reason()).isEqualTo("on: trying again; was " + off);
    }

    @Test
    void onlyTheWindowCountsNotThePast() {
        assertThat(audit.step(stats(100, 100, 0, 0, 0))).isTrue();
        assertThat(audit.step(stats(200, 149, 51, 0, 0))).isFalse();
        assertThat(audit.reason()).contains("49 of 100");
    }

    @Test
    void pausesDoubleUpToSixteenfoldAndAGoodWindowShortensThem() {
        long issued = 0;
        for (int factor : new int[] {1, 2, 4, 8, 16, 16}) {
            issued += 100;
            assertThat(audit.step(stats(issued, 0, 0, issued, 0))).isFalse();
            assertThat(audit.reason()).startsWith("off for " + 3 * factor + " steps");
            int steps = 1;
            while (!audit.step(stats(issued, 0, 0, issued, 0))) {
                steps++;
            }
            assertThat(steps).isEqualTo(3 * factor);
        }
        assertThat(audit.step(stats(issued + 100, 100, 0, issued, 0))).isTrue();
        assertThat(audit.step(stats(issued + 200, 100, 0, issued, 0))).isFalse();
        assertThat(audit.reason()).startsWith("off for 3 steps");
    }

    @Test
    void theDefaultsAreThoseDocumented() {
        PrefetchAudit defaults = PrefetchAudit.withDefaults(START);
        assertThat(defaults.step(stats(255, 0, 0, 0, 0))).isTrue();
        assertThat(defaults.step(stats(256, 127, 0, 0, 0))).isFalse();
        assertThat(defaults.reason()).startsWith("off for 512 steps: 127 of 256");
    }

    @Test
    void senselessSettingsAreRefused() {
        assertThatThrownBy(() -> new PrefetchAudit(0, 0.5, 1, START))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage(
                        "An audit needs a window and a pause of at least 1 and a share from 0 to 1,"
                                + " got 0, 1 and 0.5");
        assertThatThrownBy(() -> new PrefetchAudit(1, Double.NaN, 1, START))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new PrefetchAudit(1, 0.5, 0, START))
                .isInstanceOf(IllegalArgumentException.class);
    }

    private static CacheStats stats(
            long issued, long useful, long late, long wasted, long stallNanos) {
        return new CacheStats(0, 0, 0, 0, 0, 0, issued, useful, late, wasted, stallNanos);
    }
}
