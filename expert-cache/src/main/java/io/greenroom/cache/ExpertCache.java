package io.greenroom.cache;

import java.util.Collection;

/**
 * The resident experts of one model: a bounded set of slots, who is in them, and who leaves when
 * another expert is called.
 *
 * <p>Thread-safe. The number of slots is a hard bound: at no time are more experts resident,
 * loading or leased than there are slots. An expert asked for by several callers at once is read
 * once. A prefetch never evicts a leased expert nor takes the last slots that demand may need.
 */
public interface ExpertCache extends AutoCloseable {

    /**
     * Starts a visit. Residents are pinned and missing experts start loading before this returns,
     * as far as slots allow.
     *
     * @param layer the layer all of {@code experts} belong to
     * @param experts distinct expert indices; missing ones are read in this order
     */
    ExpertVisit visit(int layer, int[] experts);

    /**
     * Hints that an expert may soon be visited. Returns at once; the hint may be dropped.
     *
     * @return whether a read was started
     */
    boolean prefetch(ExpertId id);

    /** Whether the expert's bytes are in a slot now. Does not count as use. */
    boolean isResident(ExpertId id);

    /** A consistent snapshot of who is resident. */
    Collection<ExpertId> residents();

    int slots();

    CacheStats stats();

    /** Waits for reads under way, then forgets every expert. Fails if leases are open. */
    @Override
    void close();
}
