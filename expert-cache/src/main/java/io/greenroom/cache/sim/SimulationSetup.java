package io.greenroom.cache.sim;

import io.greenroom.cache.policy.LayerSplit;
import io.greenroom.cache.policy.PolicyName;
import org.jspecify.annotations.Nullable;

/**
 * What is simulated.
 *
 * @param policy who leaves
 * @param split each layer's share of the slots, or null for one pool
 * @param slots slots of the cache
 * @param guesses where guesses come from
 * @param time how long things take
 */
public record SimulationSetup(
        PolicyName policy,
        @Nullable LayerSplit split,
        int slots,
        GuessSource guesses,
        TimeModel time) {

    public SimulationSetup {
        if (slots < 1) {
            throw new IllegalArgumentException("A cache has at least 1 slot, got " + slots);
        }
    }

    /** Hits and misses without prefetch. */
    public static SimulationSetup counting(PolicyName policy, int slots) {
        return new SimulationSetup(policy, null, slots, GuessSource.NONE, TimeModel.INSTANT);
    }
}
