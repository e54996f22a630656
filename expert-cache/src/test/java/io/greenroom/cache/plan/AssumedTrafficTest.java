package io.greenroom.cache.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.greenroom.cache.plan.VisitLog.Step;
import io.greenroom.cache.plan.VisitLog.Visit;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

class AssumedTrafficTest {

    @Test
    void visitsDistinctExpertsOfTheLayersThatHaveAny() {
        VisitLog log =
                new AssumedTraffic(1, 0.3).visits(new boolean[] {false, true, true}, 8, 3, 50, 7);
        assertThat(log.tokens()).isEqualTo(50);
        for (Step step : log.steps()) {
            assertThat(step.visits()).extracting(Visit::layer).containsExactly(1, 2);
            for (Visit visit : step.visits()) {
                assertThat(Arrays.stream(visit.experts()).distinct().count()).isEqualTo(3);
            }
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
        VisitLog log =
                new AssumedTraffic(exponent, repeat).visits(new boolean[] {true}, 32, 4, 2000, 1);
        MissCurve curve = MissCurves.lru(log, true).get(0);
        return 1 - curve.misses(8) / curve.visited();
    }
}
