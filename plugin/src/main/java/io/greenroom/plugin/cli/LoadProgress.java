package io.greenroom.plugin.cli;

import java.io.PrintWriter;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/**
 * Tells on standard error that something long is going on, and for how long: nothing during the
 * first second, then a line that renews itself on a terminal, or one now and then elsewhere.
 */
final class LoadProgress {

    /** What takes long. */
    interface Work<T, E extends Exception> {
        T run() throws E;
    }

    private static final long FIRST_SECONDS = 1;
    private static final long SELDOM_SECONDS = 10;

    private final String what;
    private final PrintWriter out;
    private final boolean terminal;
    private final LongSupplier clock;
    private final CountDownLatch done = new CountDownLatch(1);
    private final Thread ticker;

    private LoadProgress(String what, PrintWriter out, boolean terminal, LongSupplier clock) {
        this.what = what;
        this.out = out;
        this.terminal = terminal;
        this.clock = clock;
        this.ticker = new Thread(this::tick, "greenroom-progress");
        ticker.setDaemon(true);
    }

    /** Does the work, and tells about it while it lasts. */
    static <T, E extends Exception> T during(String what, PrintWriter out, Work<T, E> work)
            throws E {
        LoadProgress progress =
                new LoadProgress(what, out, System.console() != null, System::nanoTime);
        progress.ticker.start();
        try {
            return work.run();
        } finally {
            progress.end();
        }
    }

    private void tick() {
        long start = clock.getAsLong();
        boolean shown = false;
        long wait = FIRST_SECONDS;
        try {
            while (!done.await(wait, TimeUnit.SECONDS)) {
                long seconds = TimeUnit.NANOSECONDS.toSeconds(clock.getAsLong() - start);
                String line = what + " ... " + seconds + " s";
                if (terminal) {
                    out.print("\r" + line);
                } else {
                    out.println(line);
                    wait = SELDOM_SECONDS;
                }
                out.flush();
                shown = true;
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        if (shown && terminal) {
            out.println();
            out.flush();
        }
    }

    private void end() {
        done.countDown();
        try {
            ticker.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
