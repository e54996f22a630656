package io.greenroom.cache;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/**
 * A visit under way. It claims residents when it begins, then starts reads for the missing experts
 * in the caller's order, as many as slots and {@code depth} allow, and goes on starting them each
 * time it is called or one of its leases closes. Fields are guarded by the cache's lock.
 */
final class Visit implements ExpertVisit {

    private final PagedExpertCache cache;
    private final int depth;

    // Claimed and resident: ready[0 .. readyCount), of which the first handedOut are with the
    // caller. The first hitCount were resident when the visit began.
    private final Entry[] ready;
    private int handedOut;
    private int readyCount;
    private int hitCount;

    // Missing when the visit began: missing[0 .. missingCount). The first claimed are being read
    // for this visit, or were.
    private final Entry[] missing;
    private int claimed;
    private int missingCount;

    /** Missing experts being read for us, plus those that arrived and were not handed out. */
    private int outstanding;

    private @Nullable ArrayDeque<ExpertLoadException> failures; // made for the first
    private @Nullable List<ExpertId> givenUp; // failures the caller was told; made for the first
    private long stall; // waited since an expert was settled last
    private boolean closed;

    Visit(PagedExpertCache cache, int experts, int depth) {
        this.cache = cache;
        this.depth = depth;
        this.ready = new Entry[experts];
        this.missing = new Entry[experts];
    }

    @Override
    public @Nullable ExpertLease next()
            throws ExpertLoadException, TimeoutException, InterruptedException {
        while (true) {
            Lease lease = null;
            List<Load> starts;
            cache.lock();
            try {
                starts = startReads();
                if (starts.isEmpty() && handedOut == readyCount) {
                    if (isExhausted()) {
                        return null;
                    }
                    starts = await();
                }
                if (handedOut < readyCount) {
                    lease = handOut();
                }
            } finally {
                cache.unlock();
            }
            cache.dispatch(starts);
            if (lease != null) {
                return lease;
            }
        }
    }

    @Override
    public void close() {
        cache.lock();
        try {
            if (closed) {
                return;
            }
            closed = true;
            settleTheRest();
            for (int i = handedOut; i < readyCount; i++) {
                cache.release(ready[i]);
            }
            for (int i = 0; i < claimed; i++) {
                cache.abandon(missing[i], this);
            }
            cache.visitEnded(missingCount - claimed);
        } finally {
            cache.unlock();
        }
        cache.giveBackRetired();
    }

    /** It waited, with nothing to hand out. */
    void waited(long nanos) {
        stall += nanos;
    }

    /** The visit found an expert resident, and holds it. */
    void hit(Entry entry) {
        ready[readyCount++] = entry;
        hitCount++;
    }

    /** The visit joined a read under way. Called before any {@link #missed}. */
    void joined(Entry entry) {
        missing[missingCount++] = entry;
        claimed++;
        outstanding++;
    }

    /** The visit needs an expert that nobody reads yet. */
    void missed(Entry entry) {
        missing[missingCount++] = entry;
    }

    /** A missing expert is resident, and held for this visit. */
    void arrived(Entry entry) {
        ready[readyCount++] = entry;
    }

    /** A read that the visit waited for failed. */
    void failed(Entry entry, Throwable cause) {
        outstanding--;
        if (failures == null) {
            failures = new ArrayDeque<>(1);
        }
        failures.add(new ExpertLoadException(entry.id, cause));
    }

    /** Whether it has nothing to hand out or wait for, but needs a slot for what is missing. */
    boolean isStarved() {
        return handedOut == readyCount && outstanding == 0 && claimed < missingCount;
    }

    /** Starts reads as far as possible; the caller dispatches them once it has left the lock. */
    List<Load> startReads() {
        if (closed) {
            throw new IllegalStateException("The visit is closed");
        }
        if (claimed == missingCount || outstanding >= depth) {
            return List.of();
        }
        List<Load> starts = new ArrayList<>();
        while (claimed < missingCount
                && outstanding < depth
                && cache.claim(missing[claimed], this, starts)) {
            claimed++;
            outstanding++;
        }
        return starts;
    }

    void leaseClosed(Lease lease) {
        List<Load> starts = List.of();
        cache.lock();
        try {
            if (lease.markClosed()) {
                cache.leaseEnded(lease.entry());
                if (!closed) {
                    starts = startReads();
                }
            }
        } finally {
            cache.unlock();
        }
        cache.dispatch(starts);
        cache.giveBackRetired();
    }

    private Lease handOut() {
        if (handedOut >= hitCount) {
            outstanding--;
            settle(ready[handedOut].id);
        }
        Lease lease = new Lease(this, ready[handedOut++]);
        cache.leaseBegan();
        return lease;
    }

    private void settle(ExpertId id) {
        cache.settled(id, stall);
        stall = 0;
    }

    /** Missed experts that were neither handed out nor reported as failed. */
    private void settleTheRest() {
        int settled = handedOut - Math.min(handedOut, hitCount);
        settled += givenUp == null ? 0 : givenUp.size();
        for (int i = 0; i < missingCount && settled < missingCount; i++) {
            ExpertId id = missing[i].id;
            if (!wasHandedOut(id) && (givenUp == null || !givenUp.contains(id))) {
                settled++;
                settle(id);
            }
        }
    }

    private boolean wasHandedOut(ExpertId id) {
        for (int i = hitCount; i < handedOut; i++) {
            if (ready[i].id.equals(id)) {
                return true;
            }
        }
        return false;
    }

    private boolean isExhausted() {
        return handedOut == readyCount
                && outstanding == 0
                && claimed == missingCount
                && (failures == null || failures.isEmpty());
    }

    /** Waits until an expert is ready or reads can be started, which it returns. */
    private List<Load> await() throws ExpertLoadException, TimeoutException, InterruptedException {
        long deadline = cache.deadline();
        try {
            while (true) {
                ExpertLoadException failure = failures == null ? null : failures.pollFirst();
                if (failure != null) {
                    givenUp = givenUp == null ? new ArrayList<>(1) : givenUp;
                    givenUp.add(failure.id());
                    settle(failure.id());
                    throw failure;
                }
                if (claimResidents()) {
                    return List.of();
                }
                if (!cache.awaitChange(this, deadline)) {
                    throw new TimeoutException(describeTimeout());
                }
                List<Load> starts = startReads();
                if (!starts.isEmpty() || handedOut < readyCount) {
                    return starts;
                }
            }
        } finally {
            cache.stopQueueing(this);
        }
    }

    /** Before it waits, it claims out of turn what other visits have brought in meanwhile. */
    private boolean claimResidents() {
        for (int i = claimed; i < missingCount; i++) {
            Entry entry = missing[i];
            if (entry.isResident()) {
                System.arraycopy(missing, claimed, missing, claimed + 1, i - claimed);
                missing[claimed] = entry;
                cache.claimResident(entry, this);
                claimed++;
                outstanding++;
            }
        }
        return handedOut < readyCount;
    }

    private String describeTimeout() {
        Load oldest = null;
        for (int i = 0; i < claimed; i++) {
            Load load = missing[i].load;
            if (load != null
                    && load.waiting.contains(this)
                    && (oldest == null || load.begun - oldest.begun < 0)) {
                oldest = load;
            }
        }
        return oldest == null
                ? cache.describeFullness(missing[claimed].id)
                : cache.describeLateness(oldest);
    }
}
