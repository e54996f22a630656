package io.greenroom.cache.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.greenroom.cache.plan.VisitLog.Step;
import io.greenroom.cache.plan.VisitLog.Visit;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class MissCurvesTest {

    @Test
    void countsWhatEverySizeWouldHaveMissed() {
        VisitLog log = new VisitLog(1, 4);
        for (int expert : new int[] {0, 1, 0, 2, 1}) {
            log.add(decode(0, expert));
        }
        // found again at depth 1 (expert 0) and at depth 2 (expert 1); three first visits
        assertThat(MissCurves.lru(log, false).get(0).values())
                .containsExactly(5 / 5.0, 5 / 5.0, 4 / 5.0, 3 / 5.0, 3 / 5.0);
    }

    @Test
    void countsOnlyDecodingIfAskedButRemembersPrompts() {
        VisitLog log = new VisitLog(1, 4);
        log.add(new Step(3, false, List.of(new Visit(0, new int[] {0, 1, 2}))));
        log.add(decode(0, 2));
        assertThat(MissCurves.lru(log, true).get(0).values()).containsExactly(1, 0, 0, 0, 0);
    }

    @Test
    void aLayerWithoutVisitsIsFlat() {
        VisitLog log = new VisitLog(2, 2);
        log.add(decode(1, 0));
        assertThat(MissCurves.lru(log, false).get(0).values()).containsExactly(0, 0, 0);
    }

    @Property(tries = 200)
    void equalsAnLruCacheOfEverySize(
            @ForAll long seed,
            @ForAll @IntRange(min = 1, max = 9) int experts,
            @ForAll @IntRange(min = 0, max = 9) int slots) {
        Random random = new Random(seed);
        VisitLog log = new VisitLog(1, experts);
        List<Integer> lru = new ArrayList<>(); // most recent first
        int misses = 0;
        int tokens = 0;
        for (int step = 0; step < 60; step++) {
            int[] wanted =
                    random.ints(0, experts).distinct().limit(1 + random.nextInt(experts)).toArray();
            log.add(decode(0, wanted));
            tokens++;
            List<Integer> resident = lru.subList(0, Math.min(slots, lru.size()));
            for (int expert : wanted) {
                misses += resident.contains(expert) ? 0 : 1;
            }
            for (int expert : wanted) {
                lru.remove((Integer) expert);
                lru.add(0, expert);
            }
        }
        assertThat(MissCurves.lru(log, false).get(0).misses(slots))
                .isCloseTo((double) misses / tokens, within(1e-12));
    }

    @Test
    void aLogRefusesWhatIsNotThere() {
        VisitLog log = new VisitLog(2, 4);
        assertThatThrownBy(() -> log.add(decode(2, 0)))
                .hasMessage("Layer 2 was visited, the log has 2");
        assertThatThrownBy(() -> log.add(decode(0, 1, 1)))
                .hasMessage("Expert 1 of layer 0 is named twice in a visit, or not one of 4");
        assertThatThrownBy(() -> new Step(0, true, List.of()))
                .hasMessage("A step has at least 1 token, got 0");
        assertThat(log.tokens()).isZero();
    }

    private static Step decode(int layer, int... experts) {
        return new Step(1, true, List.of(new Visit(layer, experts)));
    }
}
