package io.greenroom.cache;

import java.util.BitSet;
import java.util.Collection;
import java.util.concurrent.CompletableFuture;

/**
 * The resident experts of one model: a bounded set of slots, who is in them, and who leaves when
 * another expert is called.
 *
 * <p>Thread-safe. The number of slots is a hard bound: at no time are more experts resident,
 * loading or leased than there are slots. An expert asked for by several callers at once is read
 * once. A prefetch never evicts a leased expert nor takes the last slots that demand may need. The
 * number can change while visits go on: see {@link #resize}.
 *
 * <p>Any number of threads may visit at once, with any number of slots. A visit that waits holds no
 * resident expert itself. So no two of them can wait for each other, provided that every lease is
 * closed without waiting for another visitor, and that callers who call {@code next()} while they
 * keep earlier leases open leave at least one slot to do so, of as few as there may be.
 */
public interface ExpertCache extends AutoCloseable, SharedBudget.Holder {

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

    /**
     * Gives up hints for a layer whose time has passed: reads for them that nobody waits for and
     * that have not begun are cancelled. Those under way go on.
     */
    void expireHints(int layer);

    /**
     * Fills free slots with experts, in this order, at the lowest priority. Never evicts; ends when
     * all are resident, when no slot is free that demand does not need, or when the future is
     * cancelled. Being read is an expert's first use; if no visit has come by the end, each counts
     * as used once more, the hottest last, so that it is not the one to leave first.
     *
     * @param hottestFirst experts; those resident or on their way are passed over
     * @return how many were read, once it has ended; a read that fails is not counted
     * @throws IllegalArgumentException if there is no such expert
     * @throws IllegalStateException if the cache is closed
     */
    CompletableFuture<Integer> warm(Collection<ExpertId> hottestFirst);

    /**
     * Exchanges a resident expert for another, in the background: {@code in} is read at prefetch
     * priority, in place of {@code out}. Returns at once. Nothing happens if {@code in} is there or
     * on its way, if {@code out} is not resident or is held, or if slots are short.
     *
     * @return whether {@code out} has left and the read was started
     * @throws IllegalArgumentException if there is no such expert
     */
    boolean swap(ExpertId in, ExpertId out);

    /**
     * Tells the eviction policy what a router said about a layer that is about to be visited.
     *
     * @param scores router probabilities summed over the rows, {@code [experts]}; not kept
     */
    void observed(int layer, float[] scores);

    /**
     * Tells the eviction policy how often each expert of a layer was used before this cache was
     * opened. Meant for before the first visit.
     *
     * @param shares part of the tokens that used it, from 0 to 1, {@code [experts]}; not kept
     */
    void expected(int layer, float[] shares);

    /** Whether the eviction policy wants to be told by {@link #observed}. */
    boolean usesScores();

    /**
     * Changes the number of slots. More slots can be used at once. With fewer, no read takes a slot
     * beyond the new number from now on; the unheld experts worth least leave a few at a time, the
     * others as their leases are closed, and the loader is told of each slot that is out of use.
     * Visits go on all the while. Most of the work is done by the caller, the rest by whoever
     * closes leases.
     *
     * <p>The last of several resizes wins: the futures of those not reached end with a {@link
     * java.util.concurrent.CancellationException}.
     *
     * @param slots at least the floor, at most the capacity
     * @return the number of slots, once there are no more than these and the memory of the others
     *     has been given back
     * @throws IllegalArgumentException if the number is outside those limits
     * @throws IllegalStateException if the cache is closed
     */
    @Override
    CompletableFuture<Integer> resize(int slots);

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

    /** How many are resident, in constant time. */
    int residentCount();

    /**
     * Slots that may be memory now: the number last asked for, and while a smaller one has not been
     * reached, those still to be given up.
     */
    int slots();

    /** The most slots there may be. */
    int capacity();

    /** The fewest slots there may be after a resize. */
    int floor();

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
