package io.greenroom.cache.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.greenroom.cache.policy.CacheShape;
import io.greenroom.cache.policy.PolicyName;
import io.greenroom.cache.sim.RoutingSequence;
import io.greenroom.cache.sim.RoutingSequence.Visit;
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
        List<Visit> visits = new ArrayList<>();
        for (int expert : new int[] {0, 1, 0, 2, 1}) {
            visits.add(Visit.of(visits.size(), 0, expert));
        }
        // found again at depth 1 (expert 0) and at depth 2 (expert 1); three first visits
        assertThat(lru(1, 4, visits, false).get(0).values())
                .containsExactly(5 / 5.0, 5 / 5.0, 4 / 5.0, 3 / 5.0, 3 / 5.0);
    }

    @Test
    void countsOnlyDecodingIfAskedButRemembersPrompts() {
        int[] none = {};
        Visit prompt =
                new Visit(
                        0,
                        0,
                        3,
                        false,
                        new int[] {0, 1, 2},
                        new int[] {1, 1, 1},
                        none,
                        new float[0],
                        none);
        List<Visit> visits = List.of(prompt, Visit.of(1, 0, 2));
        assertThat(lru(1, 4, visits, true).get(0).values()).containsExactly(1, 0, 0, 0, 0);
        assertThat(lru(1, 4, visits, false).get(0).values())
                .containsExactly(1, 0.75, 0.75, 0.75, 0.75);
    }

    @Test
    void aLayerWithoutVisitsIsFlat() {
        assertThat(lru(2, 2, List.of(Visit.of(0, 1, 0)), false).get(0).values())
                .containsExactly(0, 0, 0);
    }

    @Property(tries = 200)
    void equalsAnLruCacheOfEverySize(
            @ForAll long seed,
            @ForAll @IntRange(min = 1, max = 9) int experts,
            @ForAll @IntRange(min = 0, max = 9) int slots) {
        Random random = new Random(seed);
        List<Visit> visits = new ArrayList<>();
        List<Integer> lru = new ArrayList<>(); // most recent first
        int misses = 0;
        for (int step = 0; step < 60; step++) {
            int[] wanted =
                    random.ints(0, experts).distinct().limit(1 + random.nextInt(experts)).toArray();
            visits.add(Visit.of(step, 0, wanted));
            List<Integer> resident = lru.subList(0, Math.min(slots, lru.size()));
            for (int expert : wanted) {
                misses += resident.contains(expert) ? 0 : 1;
            }
            for (int expert : wanted) {
                lru.remove((Integer) expert);
                lru.add(0, expert);
            }
        }
        assertThat(lru(1, experts, visits, false).get(0).misses(slots))
                .isCloseTo(misses / 60.0, within(1e-12));
    }

    /** LRU replayed is LRU computed, at every size that is replayed. */
    @Property(tries = 30)
    void aReplayOfLruFindsTheSameCurves(
            @ForAll long seed, @ForAll @IntRange(min = 2, max = 70) int experts) {
        Random random = new Random(seed);
        List<Visit> visits = new ArrayList<>();
        for (int step = 0; step < 60; step++) {
            for (int layer = 1; layer < 4; layer++) { // the first one has no experts
                visits.add(Visit.of(step, layer, random.nextInt(experts)));
            }
        }
        RoutingSequence sequence =
                new RoutingSequence(
                        new CacheShape(4, experts, 1), visits, 60, new long[] {0, 9, 9, 9});
        List<MissCurve> computed = MissCurves.lru(sequence, false);
        List<MissCurve> replayed = MissCurves.replayed(List.of(sequence, sequence), PolicyName.LRU);
        int step = experts <= 32 ? 1 : experts <= 64 ? 2 : 3;
        for (int layer = 0; layer < 4; layer++) {
            for (int slots = 0; slots <= experts; slots += step) {
                assertThat(replayed.get(layer).misses(slots))
                        .isCloseTo(computed.get(layer).misses(slots), within(1e-12));
            }
        }
    }

    private static List<MissCurve> lru(
            int layers, int experts, List<Visit> visits, boolean decodeOnly) {
        return MissCurves.lru(
                new RoutingSequence(
                        new CacheShape(layers, experts, 1), visits, 0, new long[layers]),
                decodeOnly);
    }
}
