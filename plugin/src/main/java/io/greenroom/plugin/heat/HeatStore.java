package io.greenroom.plugin.heat;

import java.io.IOException;
import java.time.Duration;
import java.util.Optional;

/**
 * Somewhere heat is kept between replicas: a folder, a topic. Thread-safe. Calls may take as long
 * as the medium does, and come from threads that no request waits for, save the one that loads a
 * model, which waits no longer than it was told to.
 */
public interface HeatStore extends AutoCloseable {

    /** What and where it is, for logs: {@code topic greenroom.heat}. */
    String name();

    /** Whether the operator wants it. The others are left alone. */
    boolean isOn();

    /**
     * The newest heat of a checkpoint; of several models' the one of the same name.
     *
     * @param timeout after which nobody waits any more
     * @return empty if there is none
     * @throws HeatFormatException if what is there is no heat record
     * @throws IOException if it cannot be read
     */
    Optional<HeatRecord> read(HeatKey key, Duration timeout)
            throws IOException, InterruptedException;

    /**
     * Keeps a record in place of an earlier one with the same key.
     *
     * @throws IOException if that failed; whoever reads finds the earlier one, or this one whole
     */
    void write(HeatRecord record) throws IOException, InterruptedException;

    @Override
    default void close() {}
}
