package io.greenroom.cache;

import java.util.concurrent.atomic.AtomicBoolean;

/** Bytes taken from a {@link MemoryBudget} until closed. Thread-safe. */
public final class Reservation implements AutoCloseable {

    private final MemoryBudget budget;
    private final String owner;
    private final ByteSize size;
    private final AtomicBoolean closed = new AtomicBoolean();

    Reservation(MemoryBudget budget, String owner, ByteSize size) {
        this.budget = budget;
        this.owner = owner;
        this.size = size;
    }

    public ByteSize size() {
        return size;
    }

    /** Gives the bytes back. Closing twice is harmless. */
    @Override
    public void close() {
        if (closed.compareAndSet(false, true)) {
            budget.giveBack(size);
        }
    }

    @Override
    public String toString() {
        return size + " for " + owner + (closed.get() ? " (given back)" : "");
    }
}
