package io.greenroom.cache;

import org.jspecify.annotations.Nullable;

/**
 * The slots and who owns them. This is where the budget's hard bound is kept: an expert is loading,
 * resident or leased only while it owns a slot, and only slots in use can be owned. Guarded by the
 * cache's lock.
 *
 * <p>A slot is <em>in use</em> (owned or free), <em>retiring</em> (out of use, while its memory is
 * being given back) or <em>away</em>. Slots in use and retiring together are never more than the
 * target, except while a smaller target has been set and not been reached.
 */
final class SlotPool {

    private final @Nullable Entry[] owners; // [capacity]
    private final int[] free; // a stack: the first freeCount elements
    private final int[] away; // a stack: the first awayCount elements
    private int freeCount;
    private int awayCount;
    private int retiring;
    private int size;
    private int target;

    /**
     * @param slots in use at first
     * @param capacity the most there may ever be; slots are numbered from 0 below this
     */
    SlotPool(int slots, int capacity) {
        owners = new Entry[capacity];
        free = new int[capacity];
        away = new int[capacity];
        target = slots;
        for (int slot = capacity - 1; slot >= 0; slot--) {
            away[awayCount++] = slot;
        }
        grow();
        reverseFree(); // slot 0 is taken first
    }

    /** Slots in use. */
    int size() {
        return size;
    }

    /** Slots that may be memory. */
    int inMemory() {
        return size + retiring;
    }

    int capacity() {
        return owners.length;
    }

    int free() {
        return freeCount;
    }

    int retiring() {
        return retiring;
    }

    int target() {
        return target;
    }

    /** Slots in use beyond the target. */
    int surplus() {
        return Math.max(0, size - target);
    }

    /** The owner of a slot below the capacity. */
    @Nullable Entry owner(int slot) {
        return owners[slot];
    }

    /** Sets how many slots there shall be. */
    void aim(int slots) {
        target = slots;
    }

    /** Takes slots into use, as far as the target allows; returns whether there were any. */
    boolean grow() {
        int before = size;
        while (size + retiring < target) {
            free[freeCount++] = away[--awayCount];
            size++;
        }
        return size > before;
    }

    /** Takes a free slot out of use. The caller has seen that one is free. */
    int retire() {
        if (freeCount == 0) {
            throw new AssertionError("No slot is free to be retired");
        }
        size--;
        retiring++;
        return free[--freeCount];
    }

    /** The memory of a retiring slot has been given back. */
    void retired(int slot) {
        retiring--;
        away[awayCount++] = slot;
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

    private void reverseFree() {
        for (int i = 0, j = freeCount - 1; i < j; i++, j--) {
            int slot = free[i];
            free[i] = free[j];
            free[j] = slot;
        }
    }
}
