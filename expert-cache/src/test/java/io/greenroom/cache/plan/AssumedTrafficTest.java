package io.greenroom.cache.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.greenroom.cache.policy.CacheShape;
import io.greenroom.cache.sim.RoutingSequence;
import io.greenroom.cache.sim.RoutingSequence.Visit;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

class AssumedTrafficTest {

    @Test
    void visitsDistinctExpertsOfTheLayersThatHaveAny() {
        RoutingSequence sequence =
                new AssumedTraffic(1, 0.3)
                        .visits(new CacheShape(3, 8, 3), new long[] {0, 9, 9}, 50, 7);
        assertThat(sequence.tokens()).isEqualTo(50);
        assertThat(sequence.visits()).hasSize(100);
        for (int i = 0; i < 100; i++) {
            Visit visit = sequence.visits().get(i);
            assertThat(visit.step()).isEqualTo(i / 2);
            assertThat(visit.layer()).isEqualTo(1 + i % 2);
            assertThat(Arrays.stream(visit.experts()).distinct().count()).isEqualTo(3);
        }
    }

    @Test
    void skewAndRepeatsMakeCachesWork() {
        assertThat(hitRate(1.2, 0.2)).isGreaterThan(hitRate(0.6, 0.2) + 0.05);
        assertThat(hitRate(0.6, 0.5)).isGreaterThan(hitRate(0.6, 0) + 0.05);
        // all alike: LRU holds a quarter of the experts and of the visits
        assertThat(hitRate(0, 0)).isBetween(0.15, 0.3);
    }

    @Test
    void refusesWhatIsNoTraffic() {
        assertThatThrownBy(() -> new AssumedTraffic(-1, 0))
                .hasMessageEndingWith("got -1.0 and 0.0");
        assertThatThrownBy(() -> new AssumedTraffic(1, 1))
                .hasMessage(
                        "Traffic needs an exponent from 0 to 4 and a share of repeats from 0 to"
                                + " below 1, got 1.0 and 1.0");
    }

    /** Of LRU with a quarter of the experts. */
    private static double hitRate(double exponent, double repeat) {
        RoutingSequence sequence =
                new AssumedTraffic(exponent, repeat)
                        .visits(new CacheShape(1, 32, 4), new long[] {1}, 2000, 1);
        MissCurve curve = MissCurves.lru(sequence, true).get(0);
        return 1 - curve.misses(8) / curve.visited();
    }
}
