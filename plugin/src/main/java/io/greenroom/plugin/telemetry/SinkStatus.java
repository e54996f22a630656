package io.greenroom.plugin.telemetry;

import org.jspecify.annotations.Nullable;

/**
 * What became of a sink's records. Counts are of reports: a record that is the sum of five counts
 * as five.
 *
 * @param name of the sink
 * @param state what the sink says of itself
 * @param delivered records that arrived
 * @param failed records at which it threw
 * @param dropped records that found its queue full, came after its end, or were lost behind it
 * @param queued records that wait, before the sink or behind it
 * @param lastFailure what it threw, or lost records by, last; or null
 */
public record SinkStatus(
        String name,
        String state,
        long delivered,
        long failed,
        long dropped,
        int queued,
        @Nullable String lastFailure) {}
