package io.greenroom.cache.trace;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A whole trace in memory, for whoever needs to look ahead.
 *
 * @param header what it is of
 * @param steps in the order they ran
 * @param end what the recorder said at the end; empty if the file was cut off
 */
public record RoutingTrace(TraceHeader header, List<TraceStep> steps, Optional<TraceEnd> end) {

    public RoutingTrace {
        steps = List.copyOf(steps);
    }

    /**
     * Reads a file.
     *
     * @throws TraceException if it is no trace, or a damaged one; one that was cut off is read as
     *     far as it goes
     */
    public static RoutingTrace read(Path file) {
        try (RoutingTraceReader reader = RoutingTraceReader.open(file)) {
            List<TraceStep> steps = new ArrayList<>();
            reader.forEachRemaining(steps::add);
            return new RoutingTrace(reader.header(), steps, reader.end());
        }
    }

    /** Rows of all steps: tokens that were processed. */
    public long rows() {
        return steps.stream().mapToLong(TraceStep::rows).sum();
    }
}
