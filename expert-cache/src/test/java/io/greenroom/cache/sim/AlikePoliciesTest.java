package io.greenroom.cache.sim;

import static org.assertj.core.api.Assertions.assertThat;

import io.greenroom.cache.policy.EvictionPolicies;
import io.greenroom.cache.policy.EvictionPolicy;
import io.greenroom.cache.policy.LayerSplit;
import io.greenroom.cache.policy.PolicyName;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Policies that share what they learn decide as those that learn by themselves. */
class AlikePoliciesTest {

    private static final int[] SLOTS = {6, 20, 50};

    @ParameterizedTest
    @CsvSource({"REUSE,false", "REUSE,true", "LRU,false", "ARC,true"})
    void decideAsIfMadeOneByOne(PolicyName name, boolean split) {
        RoutingSequence sequence = RandomRouting.sequence(4, 200, 6, true);
        LayerSplit layers = split ? LayerSplit.even(sequence.shape().layers()) : null;
        List<EvictionPolicy> alike =
                EvictionPolicies.createAlike(name, sequence.shape(), SLOTS, layers);
        List<SimulatedCache> caches = new ArrayList<>();
        for (int i = 0; i < SLOTS.length; i++) {
            caches.add(new SimulatedCache(sequence, setup(name, layers, i), alike.get(i)));
        }
        for (int visit = 0; visit < sequence.visits().size(); visit++) {
            for (SimulatedCache cache : caches) {
                cache.visit(visit);
            }
        }
        for (int i = 0; i < SLOTS.length; i++) {
            assertThat(caches.get(i).result())
                    .isEqualTo(PolicySimulator.run(sequence, setup(name, layers, i)));
        }
    }

    private static SimulationSetup setup(PolicyName name, @Nullable LayerSplit layers, int i) {
        return new SimulationSetup(name, layers, SLOTS[i], GuessSource.NONE, TimeModel.INSTANT);
    }
}
