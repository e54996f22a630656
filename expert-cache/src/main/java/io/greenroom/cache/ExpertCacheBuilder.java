package io.greenroom.cache;

import java.time.Duration;
import java.util.function.LongSupplier;
import java.util.function.ToLongFunction;

/**
 * Settings of an {@link ExpertCache}. {@link #shape} and {@link #slots} must be given, the rest has
 * defaults.
 */
public final class ExpertCacheBuilder {

    private final ExpertLoader loader;
    private int layers;
    private int experts;
    private int slots;
    private int floor = 1;
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

    /** Slots of the arena that the loader fills: the hard bound. At least 1. */
    public ExpertCacheBuilder slots(int count) {
        slots = atLeastOne("slots", count);
        return this;
    }

    /**
     * Slots that prefetch always leaves to demand: the experts one token is routed to in one layer.
     * Default 1.
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
        return new CaffeineExpertCache(this);
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

    int floor() {
        return floor;
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
