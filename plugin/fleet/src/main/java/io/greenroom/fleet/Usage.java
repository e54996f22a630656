package io.greenroom.fleet;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A usage record as a replica sent it; {@code docs/telemetry.md} describes the fields. Read from
 * JSON by {@link UsageReader}, which checks it: what is missing there is null or 0 here.
 *
 * @param missed reports between the record before and this one that never came
 */
record Usage(
        int schema,
        @Nullable String model,
        @Nullable String fingerprint,
        @Nullable String instance,
        long sequence,
        int intervals,
        @Nullable String begin,
        @Nullable String end,
        long tokensIn,
        long tokensOut,
        long stallNanos,
        long bytesRead,
        int slots,
        int layerCount,
        int expertsPerLayer,
        int expertsPerToken,
        @Nullable List<@Nullable Layer> layers,
        long missed) {

    /**
     * One layer that did anything.
     *
     * @param experts those the counters are of; every other array that is there is as long
     */
    record Layer(
            int layer,
            int @Nullable [] experts,
            long @Nullable [] routed,
            long @Nullable [] hits,
            long @Nullable [] misses,
            long @Nullable [] prefetchUseful,
            long @Nullable [] prefetchLate,
            long @Nullable [] prefetchWasted) {

        static long sum(long @Nullable [] counts) {
            long sum = 0;
            for (int i = 0; counts != null && i < counts.length; i++) {
                sum += counts[i];
            }
            return sum;
        }
    }

    Usage withMissed(long reports) {
        return new Usage(
                schema,
                model,
                fingerprint,
                instance,
                sequence,
                intervals,
                begin,
                end,
                tokensIn,
                tokensOut,
                stallNanos,
                bytesRead,
                slots,
                layerCount,
                expertsPerLayer,
                expertsPerToken,
                layers,
                reports);
    }

    /** When the interval ended. */
    Instant endTime() {
        return Instant.parse(String.valueOf(end));
    }

    /** How long it was. */
    Duration length() {
        return Duration.between(Instant.parse(String.valueOf(begin)), endTime());
    }

    List<Layer> used() {
        return layers == null ? List.of() : layers.stream().filter(Objects::nonNull).toList();
    }
}
