package io.greenroom.cache;

import io.greenroom.cache.BudgetShares.Claim;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/**
 * One budget for the experts of several models that come and go. Whenever a model joins, leaves or
 * changes its claim, {@link BudgetShares} says what each may have; those with too much shrink, and
 * only what they have given back is taken by those that grow, so that the total is never exceeded.
 *
 * <p>Thread-safe. Holders are resized while this is locked; nothing waits under the lock.
 */
public final class SharedBudget {

    private final ByteSize total;
    private final MemoryBudget memory;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final List<Share> shares = new ArrayList<>();

    /**
     * @param total most bytes that all models together take
     */
    public SharedBudget(ByteSize total) {
        this.total = total;
        this.memory = new MemoryBudget("total expert budget", total);
    }

    /** A budget in which everybody has what they can use. */
    public static SharedBudget unlimited() {
        return new SharedBudget(new ByteSize(Long.MAX_VALUE));
    }

    /** What holds a share's bytes: a model's cache of experts. */
    @FunctionalInterface
    public interface Holder {

        /** As {@link ExpertCache#resize}. */
        CompletableFuture<Integer> resize(int slots);
    }

    public ByteSize total() {
        return total;
    }

    /** Bytes that models hold now, or may. */
    public ByteSize used() {
        return memory.used();
    }

    /**
     * Makes room for one more model; the others shrink as far as that takes.
     *
     * @param patience longest wait until they have
     * @throws BudgetExceededException naming the numbers, if the floors of all do not fit, or the
     *     others did not give up their memory in time
     * @throws InterruptedException if interrupted while waiting; then nothing has joined
     */
    public Share join(Claim claim, Duration patience) throws InterruptedException {
        Share share = new Share(claim);
        lock.lock();
        try {
            shares.add(share);
            try {
                settle();
                awaitBytes(share, patience);
            } catch (BudgetExceededException | InterruptedException e) {
                leave(share);
                throw e;
            }
            return share;
        } finally {
            lock.unlock();
        }
    }

    private void awaitBytes(Share share, Duration patience) throws InterruptedException {
        long nanos = patience.toNanos();
        while (share.aimed != share.wanted) {
            if (nanos <= 0) {
                throw new BudgetExceededException(
                        "The other models did not give up memory for "
                                + share.claim.name()
                                + " within "
                                + patience.toSeconds()
                                + " s: it was to have "
                                + new ByteSize(share.claim.bytes(share.wanted))
                                + ", they hold "
                                + used()
                                + " of "
                                + total);
            }
            nanos = changed.awaitNanos(nanos);
        }
    }

    /** Lets everybody know what they may have now. */
    private void settle() {
        int[] slots = BudgetShares.divide(total, shares.stream().map(s -> s.claim).toList());
        for (int i = 0; i < slots.length; i++) {
            shares.get(i).wanted = slots[i];
        }
        approach();
    }

    /** Whoever has too much shrinks, then whoever has too little grows by what is free. */
    private void approach() {
        List<Share> now = List.copyOf(shares);
        now.stream().filter(share -> share.wanted < share.aimed).forEach(Share::move);
        now.stream().filter(share -> share.wanted > share.aimed).forEach(Share::move);
        now.forEach(Share::completeIfReached);
        changed.signalAll();
    }

    private void leave(Share share) {
        if (shares.remove(share)) {
            share.memory.close();
            share.end();
            settle();
        }
    }

    /** One model's part of the budget. */
    public final class Share implements AutoCloseable {

        private final Reservation memory;
        private final List<CompletableFuture<Integer>> waiting = new ArrayList<>();
        private Claim claim;
        private int wanted; // slots it may have
        private int aimed; // slots it has been told, 0 before the first
        private int resizes; // of the holder
        private int unreached; // of these, those that have not ended
        private @Nullable Holder holder;

        private Share(Claim claim) {
            this.claim = claim;
            this.memory =
                    SharedBudget.this.memory.reserve("experts of " + claim.name(), new ByteSize(0));
        }

        /** Slots this model may have now. */
        public int slots() {
            lock.lock();
            try {
                return aimed;
            } finally {
                lock.unlock();
            }
        }

        /**
         * Begins to hold the bytes. Before, changes of the share cost nothing.
         *
         * @param open makes the holder with the number of slots it is handed
         * @return the holder
         */
        public <H extends Holder> H hold(IntFunction<H> open) {
            lock.lock();
            try {
                H opened = open.apply(aimed);
                holder = opened;
                SharedBudget.this.approach();
                return opened;
            } finally {
                lock.unlock();
            }
        }

        /**
         * Changes what this model can use.
         *
         * @param most slots, at least the floor of the claim
         * @param whole whether less than that is refused
         * @return the number of slots it has been given, once it has come to that and the memory of
         *     others has been given back
         * @throws BudgetExceededException naming the numbers if it is to have all of it and others
         *     have a right to a part; then nothing has changed
         */
        public CompletableFuture<Integer> change(int most, boolean whole) {
            lock.lock();
            try {
                Claim before = claim;
                claim = claim.withMost(most);
                int[] slots =
                        BudgetShares.divide(total, shares.stream().map(s -> s.claim).toList());
                int mine = slots[shares.indexOf(this)];
                if (whole && mine < most) {
                    claim = before;
                    throw new BudgetExceededException(refusal(most, mine));
                }
                CompletableFuture<Integer> reached = new CompletableFuture<>();
                waiting.add(reached);
                settle();
                return reached;
            } finally {
                lock.unlock();
            }
        }

        private String refusal(int most, int mine) {
            int weights = shares.stream().mapToInt(share -> share.claim.weight()).sum();
            return "The total expert budget of "
                    + total
                    + " leaves "
                    + new ByteSize(claim.bytes(mine))
                    + " ("
                    + mine
                    + " experts) for "
                    + claim.name()
                    + ", whose weight is "
                    + claim.weight()
                    + " of "
                    + weights
                    + "; "
                    + new ByteSize(claim.bytes(most))
                    + " ("
                    + most
                    + " experts) were asked for. Lower the budget of another model first, or raise"
                    + " the total";
        }

        /**
         * Gives everything back; the holder holds nothing any longer. Closing twice is harmless.
         */
        @Override
        public void close() {
            lock.lock();
            try {
                leave(this);
            } finally {
                lock.unlock();
            }
        }

        /** Goes towards what it may have, if the bytes for that are free. */
        private void move() {
            ByteSize bytes = new ByteSize(claim.bytes(wanted));
            if (holder == null) {
                if (memory.tryResize(bytes)) {
                    aimed = wanted;
                }
                return;
            }
            if (bytes.compareTo(memory.size()) > 0 && !memory.tryResize(bytes)) {
                return; // somebody will give some back
            }
            int target = wanted;
            aimed = target;
            unreached++;
            int resizeNumber = ++resizes;
            CompletableFuture<Integer> resize;
            try {
                resize = holder.resize(target);
            } catch (RuntimeException e) { // it is being closed, and leaves soon
                resize = CompletableFuture.failedFuture(e);
            }
            var unused =
                    resize.whenComplete((slots, failure) -> resized(resizeNumber, target, failure));
        }

        /**
         * The holder has come to a number of slots, or never will. The end of a resize that was
         * superseded may come after that of the one that superseded it.
         */
        private void resized(int resizeNumber, int target, @Nullable Throwable failure) {
            lock.lock();
            try {
                unreached--;
                if (!shares.contains(this)) {
                    return;
                }
                if (resizeNumber < resizes) {
                    completeIfReached();
                } else if (failure == null) {
                    var unused = memory.tryResize(new ByteSize(claim.bytes(target)));
                    SharedBudget.this.approach();
                } else {
                    fail(failure);
                }
            } finally {
                lock.unlock();
            }
        }

        private void completeIfReached() {
            if (aimed == wanted && unreached == 0) {
                List<CompletableFuture<Integer>> done = List.copyOf(waiting);
                waiting.clear();
                done.forEach(future -> future.complete(wanted));
            }
        }

        private void end() {
            fail(new CancellationException(claim.name() + " was unloaded meanwhile"));
        }

        private void fail(Throwable reason) {
            List<CompletableFuture<Integer>> failed = List.copyOf(waiting);
            waiting.clear();
            failed.forEach(future -> future.completeExceptionally(reason));
        }
    }
}
