package io.greenroom.plugin.http;

import io.netty.util.concurrent.DefaultThreadFactory;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** A thread for the open pages: runs a task every second, and others between. Thread-safe. */
interface Pulse {

    /** Runs the task every second from now on; nothing was started or it was stopped. */
    void start(Runnable task);

    void stop();

    /** Runs a task as soon as may be, never beside another. */
    void soon(Runnable task);

    /** Ends for good. */
    void close();

    /** With a thread that exists only while there is something to do. */
    static Pulse everySecond() {
        ScheduledThreadPoolExecutor executor =
                new ScheduledThreadPoolExecutor(
                        1, new DefaultThreadFactory("greenroom-dashboard", true));
        executor.setKeepAliveTime(5, TimeUnit.SECONDS);
        executor.allowCoreThreadTimeOut(true);
        executor.setRemoveOnCancelPolicy(true);
        return new Pulse() {

            private @Nullable Future<?> ticks;

            @Override
            public synchronized void start(Runnable task) {
                try {
                    ticks = executor.scheduleWithFixedDelay(task, 1, 1, TimeUnit.SECONDS);
                } catch (RejectedExecutionException e) {
                    // Closed: nobody is served any more.
                }
            }

            @Override
            public synchronized void stop() {
                if (ticks != null) {
                    ticks.cancel(false);
                    ticks = null;
                }
            }

            @Override
            public void soon(Runnable task) {
                try {
                    executor.execute(task);
                } catch (RejectedExecutionException e) {
                    // Closed: nobody is served any more.
                }
            }

            @Override
            public void close() {
                executor.shutdownNow();
            }
        };
    }
}
