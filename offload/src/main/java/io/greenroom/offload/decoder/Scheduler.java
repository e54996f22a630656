package io.greenroom.offload.decoder;

import io.greenroom.offload.store.ModelSpec;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Decodes all requests of one model together on one thread (continuous batching, Yu et al., "Orca",
 * OSDI 2022). Each step takes one token of every running generation and up to a chunk of prompt
 * tokens of those that have just joined; requests join, end and are cancelled between steps.
 *
 * <p>Requests are admitted in order of arrival, once a place and all KV pages they may need are
 * free. The oldest waiting request is never overtaken, so none starves.
 *
 * <p>The thread owns sessions, pages and the decoder. Other threads only put requests into the
 * queue, set a session's cancel flag, or ask for the end.
 */
final class Scheduler {

    private static final Logger LOG = LoggerFactory.getLogger(Scheduler.class);

    private final Limits limits;
    private final BatchDecoder decoder;
    private final KvCache kvCache;
    private final Runnable release;
    private final Thread thread;
    private final CountDownLatch ended = new CountDownLatch(1);

    private final Batch batch;
    private final List<SequenceSession> running = new ArrayList<>();
    private final List<SequenceSession> inBatch = new ArrayList<>();
    private int admitted; // wraps to 0: only requests that run together must differ

    private final ReentrantLock lock = new ReentrantLock();
    private final Condition work = lock.newCondition();
    private final Queue<SequenceSession> waiting = new ArrayDeque<>(); // guarded by lock
    private boolean closing; // guarded by lock
    private boolean interruptible; // guarded by lock; the thread is in the decoder
    private volatile int runningCount; // written under lock
    private volatile int kvPagesUsed; // written by the scheduler's thread

    /**
     * What a scheduler lets in.
     *
     * @param contextLength most tokens of one request, prompt and output
     * @param vocabulary number of tokens the model has
     * @param maxConcurrent requests decoded together
     * @param maxQueued requests that may wait beyond those
     * @param prefillChunk most prompt tokens one step takes
     */
    record Limits(
            int contextLength, int vocabulary, int maxConcurrent, int maxQueued, int prefillChunk) {

        static Limits of(ModelSpec spec, ModelOptions options, int contextLength) {
            return new Limits(
                    contextLength,
                    spec.vocabulary(),
                    options.maxConcurrent(),
                    options.maxQueued(),
                    options.prefillChunk());
        }

        int maxRows() {
            return maxConcurrent + prefillChunk;
        }
    }

    /**
     * @param name of the thread
     * @param release frees what the decoder works with; runs on the scheduler's thread, last
     */
    Scheduler(String name, Limits limits, BatchDecoder decoder, KvCache kvCache, Runnable release) {
        this.limits = limits;
        this.decoder = decoder;
        this.kvCache = kvCache;
        this.release = release;
        this.batch = new Batch(limits.maxRows(), limits.maxConcurrent());
        this.thread = new Thread(this::run, name);
        thread.setDaemon(true);
    }

    void start() {
        thread.start();
    }

    int running() {
        return runningCount;
    }

    /** Pages of the KV cache that running requests have reserved. */
    int kvPagesUsed() {
        return kvPagesUsed;
    }

    int queued() {
        lock.lock();
        try {
            return waiting.size();
        } finally {
            lock.unlock();
        }
    }

    /**
     * Queues a session.
     *
     * @throws OverloadedException if the queue is full or the model is closing
     */
    void submit(SequenceSession session) {
        lock.lock();
        try {
            if (closing) {
                throw new OverloadedException("The model is being unloaded");
            }
            int inHouse = waiting.size() + runningCount;
            if (inHouse >= limits.maxConcurrent() + limits.maxQueued()) {
                throw new OverloadedException(
                        "The model is busy: "
                                + runningCount
                                + " running and "
                                + waiting.size()
                                + " waiting requests, the limits are "
                                + limits.maxConcurrent()
                                + " and "
                                + limits.maxQueued()
                                + "; try again later");
            }
            waiting.add(session);
            work.signal();
        } finally {
            lock.unlock();
        }
    }

    /**
     * Checks tokens before they are queued.
     *
     * @throws IllegalArgumentException if there are none or one is not the model's
     * @throws ContextLengthException if they and {@code atLeast} more do not fit the context
     */
    void checkTokens(int[] tokens, int atLeast) {
        if (tokens.length == 0) {
            throw new IllegalArgumentException("The prompt is empty; it needs at least one token");
        }
        if (tokens.length + atLeast > limits.contextLength()) {
            throw new ContextLengthException(
                    "The prompt has "
                            + tokens.length
                            + " tokens, the context holds "
                            + limits.contextLength()
                            + (atLeast == 0 ? "" : " with the answer")
                            + "; shorten the prompt or load the model with a longer context");
        }
        for (int i = 0; i < tokens.length; i++) {
            if (tokens[i] < 0 || tokens[i] >= limits.vocabulary()) {
                throw new IllegalArgumentException(
                        "Token "
                                + i
                                + " of the prompt is "
                                + tokens[i]
                                + "; the model has tokens 0 to "
                                + (limits.vocabulary() - 1));
            }
        }
    }

    /**
     * Ends all requests with {@link FinishReason#UNLOADED} and waits until everything is freed.
     * Called from a listener it cannot wait for its own thread: then all is freed soon after the
     * listener returns.
     *
     * @return whether everything is freed
     */
    boolean close(long timeout, TimeUnit unit) {
        lock.lock();
        try {
            closing = true;
            work.signal();
            if (interruptible && Thread.currentThread() != thread) {
                thread.interrupt();
            }
        } finally {
            lock.unlock();
        }
        if (Thread.currentThread() == thread) {
            return false;
        }
        boolean interrupted = false;
        long deadline = System.nanoTime() + unit.toNanos(timeout);
        try {
            while (true) {
                try {
                    return ended.await(deadline - System.nanoTime(), TimeUnit.NANOSECONDS);
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /** Whether the caller is a listener, on this scheduler's own thread. */
    boolean isSchedulerThread() {
        return Thread.currentThread() == thread;
    }

    private void run() {
        try {
            while (admit()) {
                step();
            }
        } catch (InterruptedException e) {
            LOG.warn("The scheduler was interrupted while idle; it closes");
        } catch (RuntimeException | Error e) {
            LOG.error("The scheduler failed; it closes and its requests end", e);
        } finally {
            endAll();
            try {
                release.run();
            } catch (RuntimeException | Error e) {
                LOG.error("Not everything could be released", e);
            } finally {
                ended.countDown();
            }
        }
    }

    /**
     * Waits for work and lets in who fits.
     *
     * @return false when the model closes
     */
    private boolean admit() throws InterruptedException {
        List<SequenceSession> left = new ArrayList<>();
        lock.lock();
        try {
            while (!closing && waiting.isEmpty() && running.isEmpty()) {
                work.await();
            }
            if (closing) {
                return false;
            }
            for (Iterator<SequenceSession> i = waiting.iterator(); i.hasNext(); ) {
                SequenceSession session = i.next();
                if (session.cancelled()) {
                    i.remove();
                    left.add(session);
                }
            }
            SequenceSession first = waiting.peek();
            while (first != null
                    && running.size() < limits.maxConcurrent()
                    && kvCache.canReserve(first.capacity())) {
                first.pageTable(kvCache.reserve(first.capacity()));
                first.number(admitted);
                admitted = (admitted + 1) & Integer.MAX_VALUE;
                running.add(first);
                waiting.remove();
                first = waiting.peek();
            }
            runningCount = running.size();
            kvPagesUsed = kvCache.usedPages();
        } finally {
            lock.unlock();
        }
        // Listeners are called without the lock: they may submit, cancel or close.
        for (SequenceSession session : left) {
            end(session, FinishReason.CANCELLED, null);
        }
        return true;
    }

    private void step() {
        for (SequenceSession session : running) {
            if (session.cancelled()) {
                end(session, FinishReason.CANCELLED, null);
            }
        }
        retire();
        try {
            fillBatch();
            if (batch.rows() == 0 || !forward()) {
                return;
            }
            for (int i = 0; i < inBatch.size(); i++) {
                Throwable failure = batch.failure(i);
                if (failure != null) {
                    LOG.warn("A request failed: {}", failure.getMessage());
                    end(inBatch.get(i), FinishReason.ERROR, failure);
                }
            }
            decoder.logits(batch, this::onLogits);
        } catch (Exception | Error e) {
            // Nothing is known about the state of these sequences; other requests, and the model,
            // go on.
            LOG.error("A step failed; its {} requests end", inBatch.size(), e);
            for (SequenceSession session : inBatch) {
                end(session, FinishReason.ERROR, e);
            }
        }
        retire();
    }

    /** One token of each running generation, then prompt tokens of the newcomers, oldest first. */
    private void fillBatch() {
        batch.clear();
        inBatch.clear();
        for (SequenceSession session : running) {
            if (!session.prefilling()) {
                inBatch.add(session);
                session.addRows(batch, 1);
            }
        }
        int room = limits.prefillChunk();
        for (SequenceSession session : running) {
            if (room == 0) {
                break;
            }
            if (session.prefilling()) {
                inBatch.add(session);
                room -= session.addRows(batch, room);
            }
        }
    }

    /**
     * Runs the batch. {@link #close} may interrupt it, and only it: an interrupt that comes while
     * listeners run could break their I/O.
     *
     * @return false if the model closes
     */
    private boolean forward() {
        lock.lock();
        try {
            if (closing) {
                return false;
            }
            interruptible = true;
        } finally {
            lock.unlock();
        }
        try {
            decoder.forward(batch);
            return true;
        } catch (InterruptedException e) {
            if (closing()) {
                return false;
            }
            throw new IllegalStateException("The step was interrupted", e);
        } finally {
            lock.lock();
            interruptible = false;
            lock.unlock();
            // An interrupt that came too late must not reach a listener.
            Thread.interrupted();
        }
    }

    private boolean closing() {
        lock.lock();
        try {
            return closing;
        } finally {
            lock.unlock();
        }
    }

    private void onLogits(int sequence, int position, float[] logits) {
        SequenceSession session = inBatch.get(sequence);
        if (session.ended()) {
            return;
        }
        FinishReason reason;
        try {
            reason = session.onLogits(position, logits);
        } catch (RuntimeException | Error e) {
            LOG.warn("A request failed while its token was chosen or delivered", e);
            end(session, FinishReason.ERROR, e);
            return;
        }
        if (reason != null) {
            end(session, reason, null);
        }
    }

    /** Ends a session; a listener that throws is its own problem. */
    private void end(SequenceSession session, FinishReason reason, @Nullable Throwable failure) {
        if (session.number() >= 0 && !session.ended()) {
            decoder.ended(session.number());
        }
        try {
            session.end(reason, failure);
        } catch (RuntimeException | Error e) {
            LOG.warn("A listener failed when told of the end ({})", reason, e);
        }
    }

    /** Takes out ended sessions and gives their pages back. */
    private void retire() {
        boolean any = false;
        for (Iterator<SequenceSession> i = running.iterator(); i.hasNext(); ) {
            SequenceSession session = i.next();
            if (session.ended()) {
                i.remove();
                kvCache.release(session.pageTable());
                session.pageTable(new int[0]);
                any = true;
            }
        }
        if (any) {
            kvPagesUsed = kvCache.usedPages();
            lock.lock();
            try {
                runningCount = running.size();
            } finally {
                lock.unlock();
            }
        }
    }

    private void endAll() {
        List<SequenceSession> left;
        lock.lock();
        try {
            closing = true;
            left = new ArrayList<>(waiting);
            waiting.clear();
        } finally {
            lock.unlock();
        }
        left.addAll(0, running);
        for (SequenceSession session : left) {
            end(session, FinishReason.UNLOADED, null);
        }
        retire();
    }
}
