package io.greenroom.cache;

/** Bytes taken from a {@link MemoryBudget} until closed. Thread-safe. */
public final class Reservation implements AutoCloseable {

    private final MemoryBudget budget;
    private final String owner;
    private ByteSize size; // guarded by this, as is closed
    private boolean closed;

    Reservation(MemoryBudget budget, String owner, ByteSize size) {
        this.budget = budget;
        this.owner = owner;
        this.size = size;
    }

    public synchronized ByteSize size() {
        return size;
    }

    /**
     * Takes more bytes or gives some back. Giving back never fails.
     *
     * @return whether it has that size now; false if the budget has too little left, or if this is
     *     closed
     */
    public synchronized boolean tryResize(ByteSize newSize) {
        if (closed || !budget.tryChange(newSize.bytes() - size.bytes())) {
            return false;
        }
        size = newSize;
        return true;
    }

    /** Gives the bytes back. Closing twice is harmless. */
    @Override
    public synchronized void close() {
        if (!closed) {
            closed = true;
            budget.giveBack(size);
        }
    }

    @Override
    public synchronized String toString() {
        return size + " for " + owner + (closed ? " (given back)" : "");
    }
}
