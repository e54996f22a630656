package io.greenroom.cache;

import java.util.concurrent.CompletableFuture;

/**
 * Brings the bytes of one expert into one slot. The cache decides what is loaded where; the loader
 * only reads.
 *
 * <p>Implementations are thread-safe and do not block the caller: {@code load} returns at once and
 * the future completes on a thread of the loader, normally when every byte is in the slot, or
 * exceptionally when that failed. Once the future is done, the loader does not touch the slot
 * again.
 */
public interface ExpertLoader {

    /**
     * Starts reading an expert.
     *
     * @param id what to read
     * @param slot where to: an index below the cache's number of slots, owned by this load until
     *     the future completes
     * @param priority order among waiting reads
     */
    CompletableFuture<Void> load(ExpertId id, int slot, LoadPriority priority);

    /**
     * Moves a prefetch that has not completed to demand priority. A hint: the default does nothing.
     */
    default void promote(ExpertId id) {}

    /**
     * Calls off a prefetch that has not completed and was not promoted. If that comes in time, the
     * future completes with a {@link java.util.concurrent.CancellationException}, on the calling
     * thread or soon after, and then the slot is free, whatever part of the expert is in it. Else
     * the load goes on as if nothing had been said. The default never comes in time.
     *
     * @return whether the load was called off
     */
    default boolean cancel(ExpertId id) {
        return false;
    }

    /**
     * A slot is out of use: its memory may be given back. No read of it is under way, nobody holds
     * what was in it, and no read of it begins before this returns. Called without a lock of the
     * cache; may take a while. The default keeps the memory.
     */
    default void slotRetired(int slot) {}
}
