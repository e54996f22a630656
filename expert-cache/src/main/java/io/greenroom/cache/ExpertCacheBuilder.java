package io.greenroom.cache;

import io.greenroom.cache.policy.CacheShape;
import io.greenroom.cache.policy.EvictionPolicies;
import io.greenroom.cache.policy.EvictionPolicy;
import io.greenroom.cache.policy.LayerSplit;
import io.greenroom.cache.policy.PolicyName;
import java.time.Duration;
import java.util.function.LongSupplier;
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;

/**
 * Settings of an {@link ExpertCache}. {@link #shape} and {@link #slots} must be given, the rest has
 * defaults.
 */
public final class ExpertCacheBuilder {

    private final ExpertLoader loader;
    private int layers;
    private int experts;
    private int slots;
    private int capacity;
    private int floor = 1;
    private PolicyName policy = PolicyName.TINYLFU;
    private @Nullable LayerSplit split;
    private int inFlight;
    private int maxPrefetch;
    private ToLongFunction<ExpertId> expertBytes = id -> 0;
    private Duration loadTimeout = Duration.ofSeconds(60);
    private LongSupplier clock = System::nanoTime;
    private CacheListener listener = (event, id, slot) -> {};

    ExpertCacheBuilder(ExpertLoader loader) {
        this.loader = loader;
    }

    /** How many layers the model has, and how many experts each of them; others are refused. */
    public ExpertCacheBuilder shape(int layerCount, int expertsPerLayer) {
        layers = atLeastOne("layers", layerCount);
        experts = atLeastOne("experts per layer", expertsPerLayer);
        return this;
    }

    /** Slots of the arena that the loader fills, at first: the hard bound. At least 1. */
    public ExpertCacheBuilder slots(int count) {
        slots = atLeastOne("slots", count);
        return this;
    }

    /**
     * The most slots there may be after a {@link ExpertCache#resize}; the loader is told slots
     * below this number. Default as many as at first.
     */
    public ExpertCacheBuilder capacity(int mostSlots) {
        capacity = atLeastOne("capacity", mostSlots);
        return this;
    }

    /**
     * Who leaves when a slot is needed. Default W-TinyLFU over one pool.
     *
     * @param layerSplit each layer's share of the slots, or null for one pool that layers share
     */
    public ExpertCacheBuilder policy(PolicyName name, @Nullable LayerSplit layerSplit) {
        policy = name;
        split = layerSplit;
        return this;
    }

    /**
     * Slots that prefetch always leaves to demand: the experts one token is routed to in one layer;
     * and the fewest slots a resize may ask for. Default 1.
     */
    public ExpertCacheBuilder floor(int slotsForDemand) {
        floor = atLeastOne("floor", slotsForDemand);
        return this;
    }

    /**
     * Most missing experts that one visit has under way or waiting to be handed out. More keeps the
     * disk busier and lets a wide visit push more used experts out. Default twice the floor, at
     * least 16.
     */
    public ExpertCacheBuilder inFlight(int loadsPerVisit) {
        inFlight = atLeastOne("loads in flight", loadsPerVisit);
        return this;
    }

    /** Most hinted experts being read, and most of them kept unvisited. Default twice the floor. */
    public ExpertCacheBuilder maxPrefetch(int experts) {
        maxPrefetch = atLeastOne("prefetches", experts);
        return this;
    }

    /** Bytes of one expert, for {@link CacheStats#bytesLoaded}; must not throw. Default 0. */
    public ExpertCacheBuilder expertBytes(ToLongFunction<ExpertId> bytes) {
        expertBytes = bytes;
        return this;
    }

    /** Longest wait of {@link ExpertVisit#next}, and of closing. Default 60 s. */
    public ExpertCacheBuilder loadTimeout(Duration longest) {
        if (longest.isNegative() || longest.isZero()) {
            throw new IllegalArgumentException("The load timeout must be above 0, got " + longest);
        }
        loadTimeout = longest;
        return this;
    }

    /** Nanoseconds from an arbitrary origin. Default {@link System#nanoTime}. */
    public ExpertCacheBuilder clock(LongSupplier nanos) {
        clock = nanos;
        return this;
    }

    /** Is told of every event. Default nobody. */
    public ExpertCacheBuilder listener(CacheListener eventListener) {
        listener = eventListener;
        return this;
    }

    /**
     * Opens the cache.
     *
     * @throws IllegalStateException if the shape or the number of slots is missing
     */
    public ExpertCache build() {
        if (layers == 0 || slots == 0) {
            throw new IllegalStateException(
                    "An expert cache needs shape(layers, experts) and slots(count)");
        }
        if (capacity() < slots) {
            throw new IllegalStateException(
                    "An expert cache of " + slots + " slots cannot have a capacity of " + capacity);
        }
        return new PagedExpertCache(this);
    }

    ExpertLoader loader() {
        return loader;
    }

    int layers() {
        return layers;
    }

    int experts() {
        return experts;
    }

    int slots() {
        return slots;
    }

    int capacity() {
        return capacity == 0 ? slots : capacity;
    }

    int floor() {
        return floor;
    }

    EvictionPolicy newPolicy() {
        CacheShape shape = new CacheShape(layers, experts, Math.min(floor, experts));
        return EvictionPolicies.create(policy, shape, slots, split);
    }

    int inFlight() {
        return inFlight == 0 ? Math.max(16, 2 * floor) : inFlight;
    }

    int maxPrefetch() {
        return maxPrefetch == 0 ? 2 * floor : maxPrefetch;
    }

    ToLongFunction<ExpertId> expertBytes() {
        return expertBytes;
    }

    Duration loadTimeout() {
        return loadTimeout;
    }

    LongSupplier clock() {
        return clock;
    }

    CacheListener listener() {
        return listener;
    }

    private static int atLeastOne(String what, int value) {
        if (value < 1) {
            throw new IllegalArgumentException(
                    "An expert cache needs at least 1 for " + what + ", got " + value);
        }
        return value;
    }
}
