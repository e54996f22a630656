package io.greenroom.cache.sim;

import static org.assertj.core.api.Assertions.assertThat;

import io.greenroom.cache.policy.CacheShape;
import io.greenroom.cache.policy.LayerSplit;
import io.greenroom.cache.policy.PolicyName;
import io.greenroom.cache.sim.RoutingSequence.Visit;
import java.util.Arrays;
import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.junit.jupiter.api.Test;

class ClairvoyantTest {

    @Property(tries = 300)
    void isTheBestOfAllWaysToKeepExperts(
            @ForAll long seed,
            @ForAll @IntRange(min = 1, max = 3) int layers,
            @ForAll @IntRange(min = 1, max = 2) int chosen,
            @ForAll @IntRange(min = 1, max = 6) int steps,
            @ForAll @IntRange(min = 1, max = 5) int slots) {
        CacheShape shape = new CacheShape(layers, 3, chosen);
        RoutingSequence sequence = RandomRouting.even(seed, shape, steps);
        assertThat(new Clairvoyant(sequence).bound(slots).hits())
                .isEqualTo(mostHits(sequence, slots));
    }

    @Property(tries = 100)
    void noPolicyIsBetter(
            @ForAll long seed,
            @ForAll PolicyName policy,
            @ForAll boolean split,
            @ForAll @IntRange(min = 1, max = 100) int slots) {
        RoutingSequence sequence = RandomRouting.sequence(seed, 80, 12, true);
        Clairvoyant.Bound bound = new Clairvoyant(sequence).bound(slots);
        SimulationResult result =
                PolicySimulator.run(
                        sequence,
                        new SimulationSetup(
                                policy,
                                split ? LayerSplit.even(sequence.shape().layers()) : null,
                                slots,
                                GuessSource.NONE,
                                TimeModel.INSTANT));
        assertThat(result.hits()).isLessThanOrEqualTo(bound.hits());
        assertThat(bound.decodeHits()).isLessThanOrEqualTo(bound.hits());
    }

    @Test
    void foresightHelpsEvictionAndStaysBelowTheBound() {
        RoutingSequence sequence = RandomRouting.sequence(9, 300, 1, true);
        int slots = 24;
        SimulationSetup setup = SimulationSetup.counting(PolicyName.REUSE, slots);
        long blind = PolicySimulator.run(sequence, setup).hits();
        long oneToken = PolicySimulator.runWithForesight(sequence, setup, 4).hits();
        long threeTokens = PolicySimulator.runWithForesight(sequence, setup, 12).hits();
        assertThat(PolicySimulator.runWithForesight(sequence, setup, 0).hits()).isEqualTo(blind);
        assertThat(oneToken).isGreaterThan(blind);
        assertThat(threeTokens)
                .isGreaterThan(blind)
                .isLessThanOrEqualTo(new Clairvoyant(sequence).bound(slots).hits());
    }

    @Test
    void withRoomForAllOnlyFirstUsesMiss() {
        RoutingSequence sequence = RandomRouting.sequence(3, 50, 4, false);
        long asked = sequence.visits().stream().mapToLong(v -> v.experts().length).sum();
        long distinct =
                sequence.visits().stream()
                        .flatMap(v -> Arrays.stream(v.experts()).mapToObj(e -> v.layer() + "/" + e))
                        .distinct()
                        .count();
        assertThat(new Clairvoyant(sequence).bound(sequence.shape().total()).hits())
                .isEqualTo(asked - distinct);
    }

    /** Tries every set of experts that may stay after every visit. */
    private static long mostHits(RoutingSequence sequence, int slots) {
        List<Visit> visits = sequence.visits();
        int sets = 1 << sequence.shape().total();
        long[] best = new long[sets]; // from the visit on, with these resident
        for (int number = visits.size() - 1; number >= 0; number--) {
            int wanted = 0;
            for (int expert : visits.get(number).experts()) {
                wanted |= 1 << (visits.get(number).layer() * sequence.shape().experts() + expert);
            }
            long[] before = new long[sets];
            for (int resident = 0; resident < sets; resident++) {
                if (Integer.bitCount(resident) > slots) {
                    continue;
                }
                int possible = resident | wanted;
                long later = 0;
                for (int kept = possible; ; kept = (kept - 1) & possible) {
                    if (Integer.bitCount(kept) <= slots) {
                        later = Math.max(later, best[kept]);
                    }
                    if (kept == 0) {
                        break;
                    }
                }
                before[resident] = Integer.bitCount(resident & wanted) + later;
            }
            best = before;
        }
        return best[0];
    }
}
