package io.greenroom.cache;

/**
 * Told of everything that happens in an expert cache, in the order in which it happens.
 *
 * <p>Called while the cache is locked, so that what a listener adds up is never out of step with
 * the cache: it must be quick and must not call the cache. What it throws is logged and otherwise
 * ignored.
 */
@FunctionalInterface
public interface CacheListener {

    /** What happened to an expert. */
    enum Event {
        /** A visit found it resident; its slot is pinned. */
        HIT,
        /** A visit did not find it resident. */
        MISS,
        /** A read for a visit began; the slot is taken. */
        LOAD,
        /** A read for a hint began; the slot is taken. */
        PREFETCH,
        /** A read for a warm-up or a swap began; the slot is taken. */
        BACKGROUND,
        /** A visit joined a read that a hint, a warm-up or a swap had begun. */
        PROMOTE,
        /** A read completed; the expert is resident. */
        LOADED,
        /** A read failed; the slot is free. */
        LOAD_FAILED,
        /** A read that nobody waited for was given up before it began; the slot is free. */
        CANCELLED,
        /** It left; the slot is free. */
        EVICT
    }

    /**
     * @param slot the slot concerned; -1 for {@link Event#MISS}
     */
    void on(Event event, ExpertId id, int slot);

    /**
     * Another number of slots was asked for. Called as {@link #on}.
     *
     * @param from slots that were asked for before
     * @param to slots from now on, as soon as those too many are retired
     */
    default void resized(int from, int to) {}

    /** A slot is out of use, and its memory has been given back. Called as {@link #on}. */
    default void slotRetired(int slot) {}
}
