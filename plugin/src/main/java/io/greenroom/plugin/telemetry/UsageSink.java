package io.greenroom.plugin.telemetry;

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

    /**
     * Takes one record. Always called by the same thread, records of one model in order.
     *
     * @throws Exception if the record was not taken; it is counted as failed and not offered again
     */
    void accept(UsageRecord record) throws Exception;

    /** One line for operators: where it sends to, and whether it works. Any thread; quick. */
    default String state() {
        return "on";
    }

    /** Called once, after the last record, when the plugin ends. */
    @Override
    default void close() {}
}
