package io.greenroom.plugin.telemetry;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Supplier;
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
    private volatile @Nullable Manner manner; // null until the sink was asked
    private final BlockingQueue<Optional<UsageRecord>> queue; // empty: only to wake the thread
    private final Thread thread;
    private final LongAdder delivered = new LongAdder();
    private final LongAdder failed = new LongAdder();
    private final LongAdder dropped = new LongAdder();
    private long failures; // of the lane's thread only
    private volatile boolean closing;
    private volatile @Nullable String lastFailure;

    /**
     * @param capacity most records that wait
     * @param threads makes the thread, not yet started
     */
    SinkLane(UsageSink sink, int capacity, ThreadFactory threads) {
        this.sink = sink;
        // A guarded one is asked by the lane's own thread: it may have to be made first.
        this.manner = sink instanceof GuardedSink ? null : Manner.of(sink);
        this.queue = new ArrayBlockingQueue<>(capacity);
        this.thread = threads.newThread(this::run);
        thread.setName("greenroom-telemetry-" + name(sink));
        thread.setDaemon(true);
        thread.start();
    }

    /** How a sink wants its records. */
    private record Manner(boolean on, RecordMerger merger) {

        static Manner of(UsageSink sink) {
            return new Manner(
                    ask(sink::isOn, true), new RecordMerger(ask(sink::interval, Duration.ZERO)));
        }
    }

    private static <T> T ask(Supplier<T> question, T otherwise) {
        try {
            return question.get();
        } catch (RuntimeException | LinkageError e) {
            return otherwise;
        }
    }

    /** Queues a record, or counts it as dropped. */
    void offer(UsageRecord record) {
        Manner asked = manner;
        if (asked != null && !asked.on()) {
            return;
        }
        if (closing || !queue.offer(Optional.of(record))) {
            dropped.increment();
        }
    }

    SinkStatus status() {
        UsageSink.Outstanding behind = ask(sink::outstanding, UsageSink.Outstanding.NONE);
        Manner asked = manner;
        int held = asked == null ? 0 : asked.merger().held();
        long arrived = delivered.sum() - behind.waiting() - behind.lost();
        return new SinkStatus(
                name(sink),
                state(),
                Math.max(0, arrived), // the two were not read at the same moment
                failed.sum(),
                dropped.sum() + behind.lost(),
                queue.size() + held + (int) behind.waiting(),
                behind.lastFailure() == null ? lastFailure : behind.lastFailure());
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
        Manner asked = manner;
        if (asked == null) {
            asked = Manner.of(sink);
            manner = asked;
        }
        if (!asked.on()) {
            queue.clear(); // of the time before it was asked
        }
        run(asked.merger());
        try {
            sink.close();
        } catch (RuntimeException | LinkageError e) {
            logger.warn("Telemetry sink {} did not close cleanly", name(sink), e);
        }
    }

    private void run(RecordMerger merger) {
        try {
            while (!closing || !queue.isEmpty()) {
                Optional<UsageRecord> record =
                        queue.poll(merger.patience(System.nanoTime()), TimeUnit.NANOSECONDS);
                long now = System.nanoTime();
                if (record != null && record.isPresent()) {
                    deliver(merger.add(record.get(), now));
                }
                deliver(merger.due(now));
            }
            deliver(merger.rest());
        } catch (InterruptedException e) {
            dropped.add(queue.stream().flatMap(Optional::stream).count() + merger.held());
            queue.clear();
            merger.rest();
        }
    }

    private void deliver(List<UsageRecord> records) throws InterruptedException {
        for (int i = 0; i < records.size(); i++) {
            try {
                deliver(records.get(i));
            } catch (InterruptedException e) {
                records.subList(i, records.size()).forEach(r -> dropped.add(r.intervals()));
                throw e;
            }
        }
    }

    private void deliver(UsageRecord record) throws InterruptedException {
        try {
            sink.accept(record);
            delivered.add(record.intervals());
        } catch (InterruptedException e) {
            throw e;
        } catch (Exception | LinkageError | StackOverflowError | AssertionError e) {
            failed.add(record.intervals());
            lastFailure = String.valueOf(e);
            long count = ++failures;
            if (isPowerOfTwo(count)) {
                logger.warn(
                        "Telemetry sink {} did not take a record of model {} ({} times so far)",
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
