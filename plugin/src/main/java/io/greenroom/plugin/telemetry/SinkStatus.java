package io.greenroom.plugin.telemetry;

import org.jspecify.annotations.Nullable;

/**
 * What became of a sink's records.
 *
 * @param name of the sink
 * @param state what the sink says of itself
 * @param delivered records it took
 * @param failed records at which it threw
 * @param dropped records that found its queue full, or came after its end
 * @param queued records that wait
 * @param lastFailure what it threw last, or null
 */
public record SinkStatus(
        String name,
        String state,
        long delivered,
        long failed,
        long dropped,
        int queued,
        @Nullable String lastFailure) {}
