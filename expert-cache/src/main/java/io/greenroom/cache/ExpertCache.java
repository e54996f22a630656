package io.greenroom.cache;

import java.util.BitSet;
import java.util.Collection;

/**
 * The resident experts of one model: a bounded set of slots, who is in them, and who leaves when
 * another expert is called.
 *
 * <p>Thread-safe. The number of slots is a hard bound: at no time are more experts resident,
 * loading or leased than there are slots. An expert asked for by several callers at once is read
 * once. A prefetch never evicts a leased expert nor takes the last slots that demand may need.
 *
 * <p>Any number of threads may visit at once, with any number of slots. A visit that waits holds no
 * resident expert itself. So no two of them can wait for each other, provided that every lease is
 * closed without waiting for another visitor, and that callers who call {@code next()} while they
 * keep earlier leases open leave at least one slot to do so.
 */
public interface ExpertCache extends AutoCloseable {

    /**
     * Begins the settings of a new cache.
     *
     * @param loader reads experts into slots
     */
    static ExpertCacheBuilder builder(ExpertLoader loader) {
        return new ExpertCacheBuilder(loader);
    }

    /**
     * Starts a visit. Residents are pinned and missing experts start loading before this returns,
     * as far as slots allow.
     *
     * @param layer the layer all of {@code experts} belong to
     * @param experts distinct expert indices; missing ones are read in this order
     * @throws IllegalArgumentException if an index is out of range or named twice
     * @throws IllegalStateException if the cache is closed
     */
    ExpertVisit visit(int layer, int[] experts);

    /**
     * Hints that an expert may soon be visited. Returns at once. The hint is dropped if the expert
     * is there or on its way, if a visit is short of slots, or if the read would need a slot that
     * demand may want or that holds an expert worth keeping.
     *
     * @return whether a read was started
     * @throws IllegalArgumentException if there is no such expert
     */
    boolean prefetch(ExpertId id);

    /** Whether the expert's bytes are in a slot now. Does not count as use. */
    boolean isResident(ExpertId id);

    /**
     * Notes which experts of a layer are resident now. Does not count as use.
     *
     * @param into cleared first; then has a bit for each resident expert
     */
    void residentsOf(int layer, BitSet into);

    /** A consistent snapshot of who is resident. */
    Collection<ExpertId> residents();

    int slots();

    CacheStats stats();

    /**
     * Waits for reads under way, then forgets every expert. Closing twice is harmless.
     *
     * @throws IllegalStateException if visits or leases are open, or if a read does not end within
     *     the load timeout; then slots may still be written to, and their memory must stay
     */
    @Override
    void close();
}
