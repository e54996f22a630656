package io.greenroom.cache;

import org.jspecify.annotations.Nullable;

/**
 * The slots and who owns them. This is where the budget's hard bound is kept: an expert is loading,
 * resident or leased only while it owns a slot, and there are no more slots than there are. Guarded
 * by the cache's lock.
 */
final class SlotPool {

    private final @Nullable Entry[] owners; // [slots]
    private final int[] free; // a stack: the first freeCount elements
    private int freeCount;

    SlotPool(int slots) {
        owners = new Entry[slots];
        free = new int[slots];
        for (int slot = slots - 1; slot >= 0; slot--) {
            free[freeCount++] = slot;
        }
    }

    int size() {
        return owners.length;
    }

    int free() {
        return freeCount;
    }

    @Nullable Entry owner(int slot) {
        return owners[slot];
    }

    /** Gives a free slot to an expert that has none. The caller has seen that one is free. */
    void take(Entry entry) {
        if (freeCount == 0 || entry.slot >= 0) {
            throw new AssertionError(
                    "Expert " + entry.id + " in slot " + entry.slot + ", free slots " + freeCount);
        }
        int slot = free[--freeCount];
        owners[slot] = entry;
        entry.slot = slot;
    }

    /** Takes an expert's slot back. */
    void giveBack(Entry entry) {
        int slot = entry.slot;
        if (slot < 0 || owners[slot] != entry || entry.holds > 0) {
            throw new AssertionError(
                    "Expert " + entry.id + " gives back slot " + slot + " held " + entry.holds);
        }
        owners[slot] = null;
        entry.slot = -1;
        free[freeCount++] = slot;
    }
}
