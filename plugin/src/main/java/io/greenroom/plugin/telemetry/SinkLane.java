package io.greenroom.plugin.telemetry;

import java.util.Optional;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.atomic.LongAdder;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The way to one sink: a bounded queue and a thread, so that what a sink does is its own business.
 * Offering a record never waits.
 */
final class SinkLane implements AutoCloseable {

    private static final Logger logger = LoggerFactory.getLogger(SinkLane.class);

    private final UsageSink sink;
    private final BlockingQueue<Optional<UsageRecord>> queue; // empty: only to wake the thread
    private final Thread thread;
    private final LongAdder delivered = new LongAdder();
    private final LongAdder failed = new LongAdder();
    private final LongAdder dropped = new LongAdder();
    private volatile boolean closing;
    private volatile @Nullable String lastFailure;

    /**
     * @param capacity most records that wait
     * @param threads makes the thread, not yet started
     */
    SinkLane(UsageSink sink, int capacity, ThreadFactory threads) {
        this.sink = sink;
        this.queue = new ArrayBlockingQueue<>(capacity);
        this.thread = threads.newThread(this::run);
        thread.setName("greenroom-telemetry-" + name(sink));
        thread.setDaemon(true);
        thread.start();
    }

    /** Queues a record, or counts it as dropped. */
    void offer(UsageRecord record) {
        if (closing || !queue.offer(Optional.of(record))) {
            dropped.increment();
        }
    }

    SinkStatus status() {
        return new SinkStatus(
                name(sink),
                state(),
                delivered.sum(),
                failed.sum(),
                dropped.sum(),
                queue.size(),
                lastFailure);
    }

    private String state() {
        try {
            return sink.state();
        } catch (RuntimeException | LinkageError e) {
            return "unknown: " + e;
        }
    }

    private static String name(UsageSink sink) {
        try {
            return sink.name();
        } catch (RuntimeException | LinkageError e) {
            return sink.getClass().getName();
        }
    }

    private void run() {
        try {
            while (!closing || !queue.isEmpty()) {
                Optional<UsageRecord> record = queue.take();
                if (record.isPresent()) {
                    deliver(record.get());
                }
            }
        } catch (InterruptedException e) {
            dropped.add(queue.size());
            queue.clear();
        }
        try {
            sink.close();
        } catch (RuntimeException | LinkageError e) {
            logger.warn("Telemetry sink {} did not close cleanly", name(sink), e);
        }
    }

    private void deliver(UsageRecord record) throws InterruptedException {
        try {
            sink.accept(record);
            delivered.increment();
        } catch (InterruptedException e) {
            throw e;
        } catch (Exception | LinkageError | StackOverflowError | AssertionError e) {
            failed.increment();
            lastFailure = String.valueOf(e);
            long count = failed.sum();
            if (isPowerOfTwo(count)) {
                logger.warn(
                        "Telemetry sink {} did not take a record of model {} ({} so far)",
                        name(sink),
                        record.origin().model(),
                        count,
                        e);
            }
        }
    }

    /** Takes no more records; waits a while for those queued, then interrupts the sink. */
    @Override
    public void close() {
        close(2000);
    }

    void close(long patienceMillis) {
        closing = true;
        var unused = queue.offer(Optional.empty()); // if it is full, nobody sleeps
        try {
            thread.join(patienceMillis);
            if (thread.isAlive()) {
                thread.interrupt();
                thread.join(patienceMillis);
            }
        } catch (InterruptedException e) {
            thread.interrupt();
            Thread.currentThread().interrupt();
        }
        if (thread.isAlive()) {
            logger.warn("Telemetry sink {} hangs and is left behind", name(sink));
        }
    }

    /** Failures are logged at the first, second, fourth, ... of them. */
    private static boolean isPowerOfTwo(long n) {
        return (n & (n - 1)) == 0;
    }
}
