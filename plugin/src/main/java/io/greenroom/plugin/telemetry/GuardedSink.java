package io.greenroom.plugin.telemetry;

import java.time.Duration;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A sink of an operator's, of which nothing is expected. Its lane's thread alone calls into it, its
 * constructor included; others are told what was last known. One that cannot be made fails every
 * record, which its lane counts.
 */
final class GuardedSink implements UsageSink {

    private static final Logger logger = LoggerFactory.getLogger(GuardedSink.class);

    /** After so long in one call, a sink hangs. */
    private static final long PATIENCE_NANOS = 5_000_000_000L;

    private final String className;
    private final Supplier<? extends UsageSink> maker;
    private final LongSupplier clock;

    private @Nullable UsageSink sink; // of the lane's thread
    private boolean tried; // of the lane's thread
    private volatile @Nullable Call call; // under way
    private volatile String name;
    private volatile String state = "not made yet";
    private volatile Outstanding outstanding = Outstanding.NONE;

    private record Call(String what, long since) {}

    /**
     * @param className of the sink
     * @param maker makes it
     * @param clock nanoseconds
     */
    GuardedSink(String className, Supplier<? extends UsageSink> maker, LongSupplier clock) {
        this.className = className;
        this.maker = maker;
        this.clock = clock;
        this.name = className;
    }

    /** Makes the sink, if that was not tried before. The lane asks this first. */
    @Override
    public boolean isOn() {
        UsageSink made = made();
        return made == null || Boolean.TRUE.equals(calling("isOn()", made::isOn));
    }

    @Override
    public Duration interval() {
        UsageSink made = made();
        Duration asked = made == null ? null : calling("interval()", made::interval);
        return asked == null || asked.isNegative() ? Duration.ZERO : asked;
    }

    private @Nullable UsageSink made() {
        if (!tried) {
            tried = true;
            try {
                sink = calling("its constructor", maker);
                refresh();
            } catch (RuntimeException | LinkageError | StackOverflowError | AssertionError e) {
                Throwable cause = e;
                while (cause.getCause() != null) {
                    cause = cause.getCause();
                }
                state = "broken: it could not be made: " + cause;
                logger.error("Telemetry sink {} could not be made", className, e);
            }
        }
        return sink;
    }

    @Override
    public void accept(UsageRecord record) throws Exception {
        UsageSink made = made();
        if (made == null) {
            throw new IllegalStateException(state);
        }
        call = new Call("accept()", clock.getAsLong());
        try {
            made.accept(record);
        } finally {
            call = null;
            refresh();
        }
    }

    /** Asks what others may want to know. */
    private void refresh() {
        UsageSink made = sink;
        if (made == null) {
            return;
        }
        try {
            String itsName = calling("name()", made::name);
            name = itsName == null ? className : itsName;
            state = String.valueOf(calling("state()", made::state));
            Outstanding behind = calling("outstanding()", made::outstanding);
            outstanding = behind == null ? Outstanding.NONE : behind;
        } catch (RuntimeException | LinkageError | StackOverflowError | AssertionError e) {
            state = "unknown: " + e;
        }
    }

    /** What a stranger's method gives may be null, whatever its interface says. */
    private <T> @Nullable T calling(String what, Supplier<? extends @Nullable T> method) {
        call = new Call(what, clock.getAsLong());
        try {
            return method.get();
        } finally {
            call = null;
        }
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public String state() {
        Call now = call;
        long nanos = now == null ? 0 : clock.getAsLong() - now.since();
        return now == null || nanos < PATIENCE_NANOS
                ? state
                : "hangs: in " + now.what() + " for " + nanos / 1_000_000_000L + " s";
    }

    @Override
    public Outstanding outstanding() {
        return outstanding;
    }

    @Override
    public void close() {
        UsageSink made = sink;
        if (made != null) {
            made.close();
        }
    }
}
