package io.greenroom.plugin.http;

import java.util.ArrayDeque;
import java.util.Queue;
import org.jspecify.annotations.Nullable;

/** A pulse that beats when a test says so. */
final class HandPulse implements Pulse {

    private final Queue<Runnable> waiting = new ArrayDeque<>();
    private @Nullable Runnable task;
    private boolean closed;

    @Override
    public void start(Runnable each) {
        task = each;
    }

    @Override
    public void stop() {
        task = null;
    }

    @Override
    public void soon(Runnable once) {
        waiting.add(once);
    }

    @Override
    public void close() {
        closed = true;
        stop();
    }

    /** Runs what was to be run soon. */
    void settle() {
        while (!waiting.isEmpty()) {
            waiting.remove().run();
        }
    }

    /** A second passes. */
    void beat() {
        settle();
        if (task != null) {
            task.run();
        }
    }

    /** A second passes before anything else is run. */
    void beatFirst() {
        if (task != null) {
            task.run();
        }
    }

    boolean isRunning() {
        return task != null;
    }

    boolean isClosed() {
        return closed;
    }
}
