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

    /**
     * A read has completed; {@link Event#LOADED} comes next. Called as {@link #on}.
     *
     * @param nanos since the read was asked for, waiting for a reader included
     */
    default void read(ExpertId id, long nanos) {}

    /**
     * A visit is done with an expert that it had missed: it was handed out, it could not be read,
     * or the visit ended without it. Comes once for every {@link Event#MISS}, when the visit is
     * closed at the latest. Called as {@link #on}.
     *
     * @param stallNanos what the visit waited for this expert with nothing else to hand out; over
     *     all experts the sum is {@link CacheStats#stallNanos}
     */
    default void settled(ExpertId id, long stallNanos) {}

    /** One listener that tells all of these, in order. */
    static CacheListener all(CacheListener... listeners) {
        CacheListener[] all = listeners.clone();
        return new CacheListener() {
            @Override
            public void on(Event event, ExpertId id, int slot) {
                for (CacheListener listener : all) {
                    listener.on(event, id, slot);
                }
            }

            @Override
            public void resized(int from, int to) {
                for (CacheListener listener : all) {
                    listener.resized(from, to);
                }
            }

            @Override
            public void slotRetired(int slot) {
                for (CacheListener listener : all) {
                    listener.slotRetired(slot);
                }
            }

            @Override
            public void read(ExpertId id, long nanos) {
                for (CacheListener listener : all) {
                    listener.read(id, nanos);
                }
            }

            @Override
            public void settled(ExpertId id, long stallNanos) {
                for (CacheListener listener : all) {
                    listener.settled(id, stallNanos);
                }
            }
        };
    }
}
