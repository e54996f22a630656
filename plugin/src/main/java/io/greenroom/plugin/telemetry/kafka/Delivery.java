package io.greenroom.plugin.telemetry.kafka;

import io.greenroom.plugin.telemetry.UsageSink;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.function.LongSupplier;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps account of records on their way, and tells from it how the brokers are doing: they are well
 * while acknowledgements come. Thread-safe; a few calls a second.
 */
final class Delivery {

    private static final Logger logger = LoggerFactory.getLogger(KafkaSink.class);

    /** An acknowledgement takes milliseconds. */
    private static final Duration PATIENCE = Duration.ofSeconds(3);

    /** A record on its way. */
    static final class Ticket {

        private final int reports;
        private final long sentAt; // nanoseconds
        private boolean over;

        private Ticket(int reports, long sentAt) {
            this.reports = reports;
            this.sentAt = sentAt;
        }
    }

    private final String destination;
    private final UnaryOperator<String> redact;
    private final Clock clock;
    private final LongSupplier nanos;

    private final Deque<Ticket> onTheirWay = new ArrayDeque<>();
    private long waiting;
    private long lost;
    private long failures;
    private @Nullable String lastFailure;
    private @Nullable String trouble; // null while all is well
    private @Nullable Instant since; // of the present state; null before the first outcome
    private boolean complained;

    /**
     * @param destination for people
     * @param redact takes what is secret out of a text
     */
    Delivery(String destination, UnaryOperator<String> redact, Clock clock, LongSupplier nanos) {
        this.destination = destination;
        this.redact = redact;
        this.clock = clock;
        this.nanos = nanos;
    }

    /** A record is handed to the client. */
    synchronized Ticket sent(int reports) {
        Ticket ticket = new Ticket(reports, nanos.getAsLong());
        onTheirWay.addLast(ticket);
        waiting += reports;
        return ticket;
    }

    /** A broker has it. */
    synchronized void arrived(Ticket ticket) {
        if (!end(ticket)) {
            return;
        }
        if (trouble != null || since == null) {
            trouble = null;
            since = clock.instant();
            if (complained) {
                logger.info("Usage records arrive again: {}", destination);
                complained = false;
            }
        }
    }

    /** The client has given it up. */
    synchronized void lost(Ticket ticket, String why) {
        if (end(ticket)) {
            lost += ticket.reports;
            refused(why);
        }
    }

    /** The client did not take it; whoever offered it counts it. */
    synchronized void withdrawn(Ticket ticket) {
        end(ticket);
    }

    /** Nothing can be sent. */
    synchronized void refused(String why) {
        String reason = redact.apply(why);
        lastFailure = reason;
        if (trouble == null) {
            since = clock.instant();
        }
        trouble = reason;
        failures++;
        if ((failures & (failures - 1)) == 0) { // the first, the second, the fourth, ...
            logger.warn(
                    "Usage records do not arrive ({} times so far): {}: {}",
                    failures,
                    destination,
                    reason);
            complained = true;
        }
    }

    private boolean end(Ticket ticket) {
        if (ticket.over) {
            return false;
        }
        ticket.over = true;
        waiting -= ticket.reports;
        while (!onTheirWay.isEmpty() && onTheirWay.getFirst().over) {
            onTheirWay.removeFirst();
        }
        return true;
    }

    synchronized UsageSink.Outstanding outstanding() {
        return new UsageSink.Outstanding(waiting, lost, lastFailure);
    }

    synchronized String state() {
        Ticket oldest = onTheirWay.peekFirst();
        long age = oldest == null ? 0 : nanos.getAsLong() - oldest.sentAt;
        if (trouble == null && age > PATIENCE.toNanos()) {
            Instant asked = clock.instant().minusNanos(age);
            return "unreachable since " + seconds(asked) + ": no answer; " + destination;
        }
        if (since == null) {
            return "waiting for the first record: " + destination;
        }
        return trouble == null
                ? "connected since " + seconds(since) + ": " + destination
                : "unreachable since " + seconds(since) + ": " + trouble + "; " + destination;
    }

    private static Instant seconds(Instant time) {
        return Instant.ofEpochSecond(time.getEpochSecond());
    }
}
