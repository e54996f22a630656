package io.greenroom.cache.sim;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.withinPercentage;

import io.greenroom.cache.CacheStats;
import io.greenroom.cache.ExpertCache;
import io.greenroom.cache.ExpertLease;
import io.greenroom.cache.ExpertVisit;
import io.greenroom.cache.policy.LayerSplit;
import io.greenroom.cache.policy.PolicyName;
import io.greenroom.cache.sim.RoutingSequence.Visit;
import java.util.Arrays;
import java.util.concurrent.CompletableFuture;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** The simulator and the live cache, driven by the same visits, count the same. */
class LiveCacheAgreementTest {

    @Property(tries = 150)
    void hitsMissesEvictionsAndBytesAreEqual(
            @ForAll PolicyName policy,
            @ForAll boolean split,
            @ForAll @IntRange(min = 2, max = 130) int slots,
            @ForAll boolean scored,
            @ForAll @IntRange(min = 1, max = 40) int mostRows,
            @ForAll long seed)
            throws Exception {
        // Caffeine lets an expert in by chance now and then, once it was counted six times: a guard
        // against keys chosen to collide. So its runs are equal only while counts are small.
        int steps = policy == PolicyName.TINYLFU ? 5 : 60;
        RoutingSequence sequence = RandomRouting.sequence(seed, steps, mostRows, scored);
        LayerSplit layers = split ? LayerSplit.even(sequence.shape().layers()) : null;
        SimulationResult simulated =
                PolicySimulator.run(
                        sequence,
                        new SimulationSetup(
                                policy, layers, slots, GuessSource.NONE, TimeModel.INSTANT));
        CacheStats live = live(sequence, policy, layers, slots);
        assertThat(simulated.hits()).isEqualTo(live.hits());
        assertThat(simulated.misses()).isEqualTo(live.misses());
        assertThat(simulated.evictions()).isEqualTo(live.evictions());
        assertThat(simulated.bytesLoaded()).isEqualTo(live.bytesLoaded());
    }

    @Test
    void longRunsOfCaffeineAreEqualButForChance() throws Exception {
        RoutingSequence sequence = RandomRouting.sequence(1, 2000, 8, false);
        long simulated =
                PolicySimulator.run(sequence, SimulationSetup.counting(PolicyName.TINYLFU, 40))
                        .hits();
        long live = live(sequence, PolicyName.TINYLFU, null, 40).hits();
        assertThat(simulated).isCloseTo(live, withinPercentage(6));
    }

    private static CacheStats live(
            RoutingSequence sequence, PolicyName policy, @Nullable LayerSplit split, int slots)
            throws Exception {
        float[] scores = new float[sequence.shape().experts()];
        try (ExpertCache cache =
                ExpertCache.builder((id, slot, priority) -> CompletableFuture.completedFuture(null))
                        .shape(sequence.shape().layers(), sequence.shape().experts())
                        .slots(slots)
                        .floor(sequence.shape().expertsPerToken())
                        .expertBytes(id -> sequence.expertBytes()[id.layer()])
                        .policy(policy, split)
                        .build()) {
            for (Visit visit : sequence.visits()) {
                if (visit.scored().length > 0) {
                    Arrays.fill(scores, 0);
                    for (int i = 0; i < visit.scored().length; i++) {
                        scores[visit.scored()[i]] = visit.scores()[i];
                    }
                    cache.observed(visit.layer(), scores);
                }
                try (ExpertVisit open = cache.visit(visit.layer(), visit.experts())) {
                    for (ExpertLease lease = open.next(); lease != null; lease = open.next()) {
                        lease.close();
                    }
                }
            }
            return cache.stats();
        }
    }
}
