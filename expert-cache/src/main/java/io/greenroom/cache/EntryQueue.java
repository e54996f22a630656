package io.greenroom.cache;

import org.jspecify.annotations.Nullable;

/**
 * A doubly linked queue threaded through its entries: adding and removing allocate nothing. An
 * entry is in at most one queue. Guarded by the cache's lock.
 */
final class EntryQueue {

    private @Nullable Entry first;
    private @Nullable Entry last;
    private int size;

    int size() {
        return size;
    }

    @Nullable Entry first() {
        return first;
    }

    void addFirst(Entry entry) {
        Entry second = first;
        entry.next = second;
        first = entry;
        if (second == null) {
            last = entry;
        } else {
            second.previous = entry;
        }
        size++;
    }

    void addLast(Entry entry) {
        Entry beforeLast = last;
        entry.previous = beforeLast;
        last = entry;
        if (beforeLast == null) {
            first = entry;
        } else {
            beforeLast.next = entry;
        }
        size++;
    }

    void remove(Entry entry) {
        Entry before = entry.previous;
        Entry after = entry.next;
        if (before == null) {
            first = after;
        } else {
            before.next = after;
        }
        if (after == null) {
            last = before;
        } else {
            after.previous = before;
        }
        entry.previous = null;
        entry.next = null;
        size--;
    }

    /** The entry longest here that nobody holds. */
    @Nullable Entry firstUnheld() {
        Entry entry = first;
        while (entry != null && entry.holds > 0) {
            entry = entry.next;
        }
        return entry;
    }
}
