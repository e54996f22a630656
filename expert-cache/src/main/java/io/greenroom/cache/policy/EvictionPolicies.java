package io.greenroom.cache.policy;

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

    private static EvictionPolicy pool(PolicyName name, Scope scope, int slots) {
        return switch (name) {
            case TINYLFU -> new TinyLfuPolicy(scope, slots);
            case REUSE -> new ReusePolicy(scope, slots);
            case LRU -> new LruPolicy(scope, slots);
            case LFU -> new LfuPolicy(scope, slots);
            case ARC -> new ArcPolicy(scope, slots);
            case LEAST_STALE -> new LeastStalePolicy(scope, slots);
            case ON_DEMAND -> new OnDemandPolicy(scope, slots);
        };
    }
}
