package io.greenroom.cache;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.function.IntConsumer;

/**
 * Slots of one number each, and a loader that fills them when a test says so, or at once. A slot
 * being read into is poisoned, so that a lease of a slot that is reused shows.
 */
final class FakeArena implements ExpertLoader {

    static final long POISON = -1;

    record Read(ExpertId id, int slot, LoadPriority priority, CompletableFuture<Void> completion) {}

    private final long[] contents;
    private final boolean immediate;
    private final List<Read> waiting = new ArrayList<>();
    private final List<ExpertId> begun = new ArrayList<>();
    private final List<ExpertId> promoted = new ArrayList<>();
    private final List<Integer> retired = new ArrayList<>();
    private IntConsumer whenRetired = slot -> {};
    private Runnable beforeCancel = () -> {};
    private boolean cancels;

    FakeArena(int slots, boolean immediate) {
        contents = new long[slots];
        this.immediate = immediate;
    }

    @Override
    public synchronized CompletableFuture<Void> load(ExpertId id, int slot, LoadPriority priority) {
        begun.add(id);
        contents[slot] = POISON;
        if (immediate) {
            contents[slot] = mark(id);
            return CompletableFuture.completedFuture(null);
        }
        Read read = new Read(id, slot, priority, new CompletableFuture<>());
        waiting.add(read);
        notifyAll();
        return read.completion;
    }

    @Override
    public synchronized void promote(ExpertId id) {
        promoted.add(id);
    }

    /** Gives up a waiting read if told to by {@link #cancelReads}. */
    @Override
    public boolean cancel(ExpertId id) {
        if (!cancels) {
            return false;
        }
        beforeCancel.run();
        take(id).completion.completeExceptionally(new CancellationException("as told"));
        return true;
    }

    @Override
    public void slotRetired(int slot) {
        synchronized (this) {
            retired.add(slot);
            contents[slot] = POISON;
        }
        whenRetired.accept(slot);
    }

    /** Slots that were retired, in order. */
    synchronized List<Integer> retired() {
        return List.copyOf(retired);
    }

    /** What happens while the memory of a slot is given back. */
    void whenRetired(IntConsumer action) {
        whenRetired = action;
    }

    /** What happens just before a read is cancelled. */
    void beforeCancel(Runnable action) {
        beforeCancel = action;
    }

    /** From now on, waiting reads can be cancelled. */
    void cancelReads() {
        cancels = true;
    }

    /** Completes the waiting read of an expert. */
    void complete(int layer, int expert) {
        Read read = take(new ExpertId(layer, expert));
        synchronized (this) {
            contents[read.slot] = mark(read.id);
        }
        read.completion.complete(null);
    }

    /** Waits until the read of an expert has been handed to this loader. */
    synchronized void awaitWaiting(ExpertId id) {
        try {
            while (waiting.stream().noneMatch(read -> read.id.equals(id))) {
                wait();
            }
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    void fail(int layer, int expert, Throwable cause) {
        take(new ExpertId(layer, expert)).completion.completeExceptionally(cause);
    }

    synchronized List<Read> waiting() {
        return List.copyOf(waiting);
    }

    /** Experts whose reads were begun and not ended, as their numbers within the layer. */
    synchronized List<Integer> waitingExperts() {
        return waiting.stream().map(read -> read.id.expert()).toList();
    }

    synchronized List<ExpertId> begun() {
        return List.copyOf(begun);
    }

    synchronized List<ExpertId> promoted() {
        return List.copyOf(promoted);
    }

    /** Whether the lease's slot holds its expert. */
    synchronized boolean holds(ExpertLease lease) {
        return contents[lease.slot()] == mark(lease.id());
    }

    static long mark(ExpertId id) {
        return ((long) id.layer() << 32) | id.expert();
    }

    private synchronized Read take(ExpertId id) {
        for (Read read : waiting) {
            if (read.id.equals(id)) {
                waiting.remove(read);
                return read;
            }
        }
        throw new AssertionError(id + " is not being read; waiting are " + waiting);
    }
}
