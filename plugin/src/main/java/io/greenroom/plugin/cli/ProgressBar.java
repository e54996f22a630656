package io.greenroom.plugin.cli;

import java.io.PrintWriter;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/**
 * How far something has come whose end is known, on standard error: a bar that renews itself on a
 * terminal, elsewhere a line now and then. Thread-safe.
 */
final class ProgressBar implements AutoCloseable {

    private static final int WIDTH = 30;
    private static final long OFTEN_NANOS = TimeUnit.MILLISECONDS.toNanos(200);
    private static final long SELDOM_NANOS = TimeUnit.SECONDS.toNanos(10);

    private final String what;
    private final Unit unit;
    private final PrintWriter out;
    private final boolean terminal;
    private final LongSupplier clock;
    private final long start;
    private long shownAt;
    private boolean shown;

    /** How amounts are printed. */
    @FunctionalInterface
    interface Unit {

        String of(long amount);

        /** Sizes in binary units. */
        Unit BYTES = ModelFacts::size;

        /** Plain numbers. */
        Unit COUNT = amount -> String.format(Locale.ROOT, "%,d", amount);
    }

    ProgressBar(String what, Unit unit, PrintWriter out) {
        this(what, unit, out, System.console() != null, System::nanoTime);
    }

    ProgressBar(String what, Unit unit, PrintWriter out, boolean terminal, LongSupplier nanoClock) {
        this.what = what;
        this.unit = unit;
        this.out = out;
        this.terminal = terminal;
        this.clock = nanoClock;
        this.start = nanoClock.getAsLong();
        this.shownAt = start;
    }

    /** Shows the state, unless it was shown a moment ago. */
    synchronized void update(long done, long total) {
        long now = clock.getAsLong();
        if (now - shownAt < (terminal ? OFTEN_NANOS : SELDOM_NANOS)) {
            return;
        }
        shownAt = now;
        shown = true;
        String line = line(done, total, now - start);
        if (terminal) {
            out.print("\r" + line + "\u001b[K"); // and clear what a longer line left
        } else {
            out.println(line);
        }
        out.flush();
    }

    private String line(long done, long total, long nanos) {
        double share = total == 0 ? 1 : (double) done / total;
        double seconds = nanos / 1e9;
        double left = share == 0 ? 0 : seconds / share - seconds;
        String bar = "#".repeat((int) (share * WIDTH));
        return String.format(
                Locale.ROOT,
                "%s [%-" + WIDTH + "s] %3.0f %%  %s of %s, %.0f s left",
                what,
                bar,
                100 * share,
                unit.of(done),
                unit.of(total),
                left);
    }

    /** Ends the line, if one was begun. */
    @Override
    public synchronized void close() {
        if (terminal && shown) {
            out.println();
            out.flush();
        }
    }
}
