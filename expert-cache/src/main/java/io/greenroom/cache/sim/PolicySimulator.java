package io.greenroom.cache.sim;

import io.greenroom.cache.policy.EvictionPolicies;
import io.greenroom.cache.policy.EvictionPolicy;

/**
 * Replays a routing sequence through a cache that does what the live one does, with the same policy
 * objects. Without prefetch its hits are those of the live cache for the same visits, exactly; with
 * prefetch they depend on the time model.
 */
public final class PolicySimulator {

    private PolicySimulator() {}

    /** Replays a sequence, beginning with an empty cache. */
    public static SimulationResult run(RoutingSequence sequence, SimulationSetup setup) {
        return run(
                sequence,
                setup,
                EvictionPolicies.create(
                        setup.policy(), sequence.shape(), setup.slots(), setup.split()));
    }

    /**
     * The same with a policy that is told the truth about some visits ahead and keeps what they
     * will ask for: what eviction could gain from perfect predictions of that reach.
     *
     * @param reach visits ahead; as many as there are layers are one token
     */
    public static SimulationResult runWithForesight(
            RoutingSequence sequence, SimulationSetup setup, int reach) {
        EvictionPolicy policy =
                EvictionPolicies.create(
                        setup.policy(), sequence.shape(), setup.slots(), setup.split());
        return run(sequence, setup, new ForesightPolicy(policy, sequence, reach));
    }

    /** As {@link #run(RoutingSequence, SimulationSetup)}, with a policy of the caller's own. */
    static SimulationResult run(
            RoutingSequence sequence, SimulationSetup setup, EvictionPolicy policy) {
        SimulatedCache cache = new SimulatedCache(sequence, setup, policy);
        for (int visit = 0; visit < sequence.visits().size(); visit++) {
            cache.visit(visit);
        }
        return cache.result();
    }
}
