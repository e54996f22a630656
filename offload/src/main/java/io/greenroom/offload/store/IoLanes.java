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
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A few reader threads behind a queue for each priority, first come first served within each.
 *
 * <p>The lanes share one link, so a guess read beside demand would slow demand down even in a lane
 * of its own. Hence a guess is begun only while no demand is waiting or being read, and only in
 * some of the lanes; what only fills free slots is begun only while no guess waits, and counts as
 * one. A job under way is finished: demand waits for at most one job in each of the lanes that
 * guesses may use, and the other lanes begin at once. No lock is held while a job runs.
 */
final class IoLanes implements AutoCloseable {

    private static final Logger logger = LoggerFactory.getLogger(IoLanes.class);

    /** One read. */
    interface Job {
        /** Does the read and says how many bytes it brought; handles its own failures. */
        long run();

        /** What belongs together when it is promoted or withdrawn. */
        Object owner();
    }

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition work = lock.newCondition();
    private final Queue<Job> demand = new ArrayDeque<>();
    private final Queue<Job> guesses = new ArrayDeque<>();
    private final Queue<Job> background = new ArrayDeque<>();
    private final List<Thread> lanes = new ArrayList<>();
    private final int guessLanes;
    private final LongSupplier clock;
    private int demandRunning;
    private int guessesRunning;
    private boolean closed;

    private long since; // when the state below began
    private long demandNanos;
    private long guessNanos;
    private long demandBytes;
    private long guessBytes;

    IoLanes(String name, int count, int guessLanes) {
        this(name, count, guessLanes, Thread::new, System::nanoTime);
    }

    /**
     * @param count lanes
     * @param guessLanes how many of them may read guesses at a time
     * @param threads makes the lanes' threads, not yet started
     * @param clock nanoseconds from an arbitrary origin
     */
    IoLanes(String name, int count, int guessLanes, ThreadFactory threads, LongSupplier clock) {
        if (count < 1) {
            throw new IllegalArgumentException("Reading needs at least one lane, got " + count);
        }
        if (guessLanes < 1 || guessLanes > count) {
            throw new IllegalArgumentException(
                    "Guesses may use 1 to all of " + count + " lanes, got " + guessLanes);
        }
        this.guessLanes = guessLanes;
        this.clock = clock;
        this.since = clock.getAsLong();
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
            account();
            queue(priority).addAll(jobs);
            work.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** Moves what waits of an owner, and is no demand yet, to the end of demand. */
    void promote(Object owner) {
        lock.lock();
        try {
            account();
            if (moveGuesses(owner, demand) > 0) {
                work.signalAll(); // lanes that guesses may not use were asleep
            }
        } finally {
            lock.unlock();
        }
    }

    /**
     * Takes back what waits of an owner. Demand, and what was promoted, stays.
     *
     * @return how many jobs will never run
     */
    int withdraw(Object owner) {
        lock.lock();
        try {
            return moveGuesses(owner, null);
        } finally {
            lock.unlock();
        }
    }

    /** What the lanes have been doing until now. */
    LinkUse use() {
        lock.lock();
        try {
            account();
            return new LinkUse(demandNanos, guessNanos, demandBytes, guessBytes);
        } finally {
            lock.unlock();
        }
    }

    private Queue<Job> queue(LoadPriority priority) {
        return switch (priority) {
            case DEMAND -> demand;
            case PREFETCH -> guesses;
            case BACKGROUND -> background;
        };
    }

    private int moveGuesses(Object owner, @Nullable Queue<Job> target) {
        return move(guesses, owner, target) + move(background, owner, target);
    }

    private static int move(Queue<Job> from, Object owner, @Nullable Queue<Job> target) {
        int moved = 0;
        for (Iterator<Job> jobs = from.iterator(); jobs.hasNext(); ) {
            Job job = jobs.next();
            if (job.owner().equals(owner)) {
                jobs.remove();
                moved++;
                if (target != null) {
                    target.add(job);
                }
            }
        }
        return moved;
    }

    private void runLane() {
        Running running = next(null, 0);
        while (running != null) {
            long bytes = 0;
            try {
                bytes = running.job().run();
            } catch (RuntimeException | Error e) { // the lane serves others too
                logger.error("A reader's job failed unexpectedly", e);
            }
            running = next(running, bytes);
        }
    }

    /** A job as it was when it began; promotion concerns only those that wait. */
    private record Running(Job job, boolean guess) {}

    /** Books a job done and waits for another; null when closed and drained. */
    private @Nullable Running next(@Nullable Running done, long bytes) {
        lock.lock();
        try {
            if (done != null) {
                end(done, bytes);
            }
            while (true) {
                Job job = demand.poll();
                if (job != null) {
                    account();
                    demandRunning++;
                    return new Running(job, false);
                }
                if (mayGuess()) {
                    account();
                    guessesRunning++;
                    return new Running((guesses.isEmpty() ? background : guesses).remove(), true);
                }
                if (closed && guesses.isEmpty() && background.isEmpty()) {
                    return null;
                }
                work.awaitUninterruptibly();
            }
        } finally {
            lock.unlock();
            // a file channel closes itself when its reader is interrupted
            Thread.interrupted();
        }
    }

    private void end(Running done, long bytes) {
        account();
        if (done.guess()) {
            guessesRunning--;
            guessBytes += bytes;
        } else {
            demandRunning--;
            demandBytes += bytes;
        }
        if (mayGuess() || closed) {
            work.signalAll();
        }
    }

    private boolean mayGuess() {
        return !(guesses.isEmpty() && background.isEmpty())
                && demand.isEmpty()
                && demandRunning == 0
                && guessesRunning < guessLanes;
    }

    /** Adds the time since the last change to what was going on then. */
    private void account() {
        long now = clock.getAsLong();
        if (demandRunning > 0 || !demand.isEmpty()) {
            demandNanos += now - since;
        } else if (guessesRunning > 0) {
            guessNanos += now - since;
        }
        since = now;
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
