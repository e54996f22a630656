package io.greenroom.offload.store;

import io.greenroom.cache.LoadPriority;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A few reader threads behind two queues: demand goes before prefetch, first come first served
 * within each. A job under way is finished, so demand waits for at most one job per lane. No lock
 * is held while a job runs.
 */
final class IoLanes implements AutoCloseable {

    private static final Logger logger = LoggerFactory.getLogger(IoLanes.class);

    /** One read. */
    interface Job {
        /** Does the read; handles its own failures. */
        void run();

        /** What belongs together when it is promoted. */
        Object owner();
    }

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition work = lock.newCondition();
    private final Queue<Job> demand = new ArrayDeque<>();
    private final Queue<Job> prefetch = new ArrayDeque<>();
    private final List<Thread> lanes = new ArrayList<>();
    private boolean closed;

    IoLanes(String name, int count) {
        this(name, count, Thread::new);
    }

    /**
     * @param threads makes the lanes' threads, not yet started
     */
    IoLanes(String name, int count, ThreadFactory threads) {
        if (count < 1) {
            throw new IllegalArgumentException("Reading needs at least one lane, got " + count);
        }
        try {
            for (int i = 0; i < count; i++) {
                Thread lane = threads.newThread(this::runLane);
                lane.setName(name + "-" + i);
                lane.setDaemon(true);
                lane.start();
                lanes.add(lane);
            }
        } catch (RuntimeException | Error e) { // the system may be out of threads
            close();
            throw e;
        }
    }

    /**
     * Queues jobs, all or none.
     *
     * @throws IllegalStateException after close
     */
    void submit(List<? extends Job> jobs, LoadPriority priority) {
        lock.lock();
        try {
            if (closed) {
                throw new IllegalStateException("The readers are closed");
            }
            (priority == LoadPriority.DEMAND ? demand : prefetch).addAll(jobs);
            work.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** Moves the waiting prefetch jobs of an owner to the end of demand. */
    void promote(Object owner) {
        lock.lock();
        try {
            for (Iterator<Job> jobs = prefetch.iterator(); jobs.hasNext(); ) {
                Job job = jobs.next();
                if (job.owner().equals(owner)) {
                    jobs.remove();
                    demand.add(job);
                }
            }
        } finally {
            lock.unlock();
        }
    }

    private void runLane() {
        for (Job job = next(); job != null; job = next()) {
            try {
                job.run();
            } catch (RuntimeException | Error e) { // the lane serves others too
                logger.error("A reader's job failed unexpectedly", e);
            }
        }
    }

    /** The next job, or null when closed and drained. */
    private @Nullable Job next() {
        lock.lock();
        try {
            while (demand.isEmpty() && prefetch.isEmpty() && !closed) {
                work.awaitUninterruptibly();
            }
            Job job = demand.poll();
            return job != null ? job : prefetch.poll();
        } finally {
            lock.unlock();
            // a file channel closes itself when its reader is interrupted
            Thread.interrupted();
        }
    }

    /** Takes no more jobs, waits until all queued ones are done. */
    @Override
    public void close() {
        lock.lock();
        try {
            closed = true;
            work.signalAll();
        } finally {
            lock.unlock();
        }
        boolean interrupted = false;
        for (Thread lane : lanes) {
            while (lane.isAlive() && lane != Thread.currentThread()) {
                try {
                    lane.join();
                } catch (InterruptedException e) {
                    interrupted = true; // the memory must not go before its readers
                }
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
