package io.greenroom.cache.sim;

/**
 * How long things take on a machine. All times are in nanoseconds.
 *
 * @param bytesPerSecond what the link to the experts delivers
 * @param readLatency from asking for an expert to its first byte; reads in flight overlap it
 * @param step once for each step: embedding, output layer, sampling
 * @param layer once for each layer of a step: attention, norms, router
 * @param row for each row and layer of these
 * @param expert once for each expert computed in a layer
 * @param expertRow for each row that goes through an expert
 */
public record TimeModel(
        double bytesPerSecond,
        double readLatency,
        double step,
        double layer,
        double row,
        double expert,
        double expertRow) {

    /** Reads take no time and neither does anything else: for counting hits alone. */
    public static final TimeModel INSTANT =
            new TimeModel(Double.POSITIVE_INFINITY, 0, 0, 0, 0, 0, 0);

    public TimeModel {
        atLeastZero("read latency", readLatency);
        atLeastZero("time of a step", step);
        atLeastZero("time of a layer", layer);
        atLeastZero("time of a row", row);
        atLeastZero("time of an expert", expert);
        atLeastZero("time of an expert's row", expertRow);
        if (!(bytesPerSecond > 0)) {
            throw new IllegalArgumentException(
                    "The bandwidth must be above 0 bytes a second, got " + bytesPerSecond);
        }
    }

    /** How long the link is busy with some bytes. */
    double transfer(double bytes) {
        return bytes * 1e9 / bytesPerSecond;
    }

    private static void atLeastZero(String what, double nanos) {
        if (!(nanos >= 0 && nanos < 1e18)) {
            throw new IllegalArgumentException("The " + what + " cannot be " + nanos + " ns");
        }
    }
}
