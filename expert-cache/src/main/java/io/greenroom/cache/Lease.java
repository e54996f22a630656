package io.greenroom.cache;

/** A hold on a resident expert that a visit handed out. */
final class Lease implements ExpertLease {

    private final Visit visit;
    private final Entry entry;
    private final int slot;
    private boolean closed; // written under the cache's lock

    Lease(Visit visit, Entry entry) {
        this.visit = visit;
        this.entry = entry;
        this.slot = entry.slot;
    }

    @Override
    public ExpertId id() {
        return entry.id;
    }

    @Override
    public int slot() {
        if (closed) {
            throw new IllegalStateException(
                    "The lease of expert "
                            + entry.id
                            + " is closed; slot "
                            + slot
                            + " may hold another expert");
        }
        return slot;
    }

    @Override
    public void close() {
        visit.leaseClosed(this);
    }

    /** Returns whether this is the first call. */
    boolean markClosed() {
        boolean first = !closed;
        closed = true;
        return first;
    }

    Entry entry() {
        return entry;
    }

    @Override
    public String toString() {
        return entry.id + " in slot " + slot + (closed ? " (closed)" : "");
    }
}
