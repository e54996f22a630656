package io.greenroom.plugin.telemetry;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * Somewhere usage records go: a stream, metrics, a log, or what an operator adds. A bean; to add
 * one, put a jar into the server's plugin folder whose {@code
 * META-INF/services/io.greenroom.plugin.telemetry.UsageSink} names its class. The class becomes a
 * CDI bean: its constructor, annotated {@code @Inject}, may ask for other beans.
 *
 * <p>Each sink has a thread of its own and a bounded queue before it. One that throws or blocks
 * loses records, which are counted, and harms neither requests nor other sinks.
 */
public interface UsageSink extends AutoCloseable {

    /** A short name for logs and status, the same every time. */
    String name();

    /** Whether it wants records at all. Asked once, when the plugin starts. */
    default boolean isOn() {
        return true;
    }

    /**
     * Time that each record shall cover at least: consecutive ones are added up until then. Zero
     * for every report as it comes. Asked once, when the plugin starts.
     */
    default Duration interval() {
        return Duration.ZERO;
    }

    /**
     * Takes one record. Always called by the same thread, records of one model in order.
     *
     * @throws Exception if the record was not taken; it is counted as failed and not offered again
     */
    void accept(UsageRecord record) throws Exception;

    /** One line for operators: where it sends to, and whether it works. Any thread; quick. */
    default String state() {
        return isOn() ? "on" : "off";
    }

    /**
     * What became of records that {@link #accept} has taken, where it only hands them on. Any
     * thread; quick.
     */
    default Outstanding outstanding() {
        return Outstanding.NONE;
    }

    /** Called once, after the last record, when the plugin ends. */
    @Override
    default void close() {}

    /**
     * Records that were taken and have not arrived. Both count reports: a record that is the sum of
     * five counts as five ({@link UsageRecord#intervals}).
     *
     * @param waiting not yet arrived
     * @param lost never will
     * @param lastFailure why the last of those was lost, or null
     */
    record Outstanding(long waiting, long lost, @Nullable String lastFailure) {

        public static final Outstanding NONE = new Outstanding(0, 0, null);
    }
}
