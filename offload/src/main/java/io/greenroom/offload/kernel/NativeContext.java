package io.greenroom.offload.kernel;

import java.util.concurrent.atomic.AtomicLong;

/**
 * The handle of a native context, which stays private to this class. Calls {@link #enter} before
 * they use it and {@link #leave} after; closing refuses new calls, waits for those inside, and
 * frees it once.
 */
final class NativeContext {

    private static final long CLOSED = 1L << 62;

    private final long handle;
    private final AtomicLong users = new AtomicLong(); // calls inside, plus CLOSED

    NativeContext(long handle) {
        this.handle = handle;
    }

    /**
     * The handle, good until {@link #leave}.
     *
     * @throws IllegalStateException after close
     */
    long enter() {
        if (users.incrementAndGet() > CLOSED) {
            leave();
            throw new IllegalStateException("The kernels are closed");
        }
        return handle;
    }

    void leave() {
        if (users.decrementAndGet() == CLOSED) {
            synchronized (this) {
                notifyAll();
            }
        }
    }

    /** Waits for calls inside; a second close does nothing. */
    void close() {
        long before = users.getAndUpdate(count -> count < CLOSED ? count + CLOSED : count);
        if (before >= CLOSED) {
            return;
        }
        boolean interrupted = false;
        synchronized (this) {
            while (users.get() != CLOSED) {
                try {
                    wait();
                } catch (InterruptedException e) {
                    interrupted = true;
                }
            }
        }
        KernelCalls.destroy(handle);
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
