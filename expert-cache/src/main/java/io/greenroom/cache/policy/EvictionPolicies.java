package io.greenroom.cache.policy;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Makes eviction policies by name. */
public final class EvictionPolicies {

    private EvictionPolicies() {}

    /**
     * A policy for an empty cache.
     *
     * @param slots slots of the cache, at least 1
     * @param split each layer's share of the slots, or null for one pool that layers share
     * @throws IllegalArgumentException if there are no slots, or the split is for another model
     */
    public static EvictionPolicy create(
            PolicyName name, CacheShape shape, int slots, @Nullable LayerSplit split) {
        if (split == null) {
            return pool(name, Scope.all(shape), slots);
        }
        return new SplitPolicy(
                Scope.all(shape),
                slots,
                split,
                (layer, quota) -> pool(name, Scope.layer(shape, layer), quota));
    }

    /**
     * Policies of several sizes that will all be told the same visits, each visit in the order of
     * the list. They decide as if they had been made one by one, but what they learn of the visits
     * is learned once.
     *
     * @param slots slots of each
     */
    public static List<EvictionPolicy> createAlike(
            PolicyName name, CacheShape shape, int[] slots, @Nullable LayerSplit split) {
        List<EvictionPolicy> policies = new ArrayList<>();
        List<ReuseForecasts> shared = new ArrayList<>(); // one, or one for each layer
        for (Scope scope : split == null ? List.of(Scope.all(shape)) : Scope.each(shape)) {
            shared.add(new ReuseForecasts(scope));
        }
        for (int size : slots) {
            boolean teaches = policies.isEmpty();
            if (name != PolicyName.REUSE) {
                policies.add(create(name, shape, size, split));
            } else if (split == null) {
                policies.add(new ReusePolicy(Scope.all(shape), size, shared.get(0), teaches));
            } else {
                policies.add(
                        new SplitPolicy(
                                Scope.all(shape),
                                size,
                                split,
                                (layer, quota) ->
                                        new ReusePolicy(
                                                Scope.layer(shape, layer),
                                                quota,
                                                shared.get(layer),
                                                teaches)));
            }
        }
        return policies;
    }

    private static EvictionPolicy pool(PolicyName name, Scope scope, int slots) {
        return switch (name) {
            case TINYLFU -> new TinyLfuPolicy(scope, slots);
            case REUSE -> new ReusePolicy(scope, slots, new ReuseForecasts(scope), true);
            case LRU -> new LruPolicy(scope, slots);
            case LFU -> new LfuPolicy(scope, slots);
            case ARC -> new ArcPolicy(scope, slots);
            case LEAST_STALE -> new LeastStalePolicy(scope, slots);
            case ON_DEMAND -> new OnDemandPolicy(scope, slots);
        };
    }
}
