package io.greenroom.cache.sim;

import io.greenroom.cache.policy.CacheShape;
import io.greenroom.cache.policy.PolicyName;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

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
 * @param resume once for each visit that had to wait for the link: going to sleep, waking up, and
 *     what reads take from the cores
 */
public record TimeModel(
        double bytesPerSecond,
        double readLatency,
        double step,
        double layer,
        double row,
        double expert,
        double expertRow,
        double resume) {

    /** Reads take no time and neither does anything else: for counting hits alone. */
    public static final TimeModel INSTANT =
            new TimeModel(Double.POSITIVE_INFINITY, 0, 0, 0, 0, 0, 0, 0);

    public TimeModel {
        atLeastZero("read latency", readLatency);
        atLeastZero("time of a step", step);
        atLeastZero("time of a layer", layer);
        atLeastZero("time of a row", row);
        atLeastZero("time of an expert", expert);
        atLeastZero("time of an expert's row", expertRow);
        atLeastZero("time to resume", resume);
        if (!(bytesPerSecond > 0)) {
            throw new IllegalArgumentException(
                    "The bandwidth must be above 0 bytes a second, got " + bytesPerSecond);
        }
    }

    /** The same with nothing for resuming. */
    public TimeModel(
            double bytesPerSecond,
            double readLatency,
            double step,
            double layer,
            double row,
            double expert,
            double expertRow) {
        this(bytesPerSecond, readLatency, step, layer, row, expert, expertRow, 0);
    }

    /**
     * The same with a {@code resume} that makes a token of which every expert must be read take as
     * long as was measured; 0 if it should have taken longer than that.
     *
     * @param nanos of such a token
     * @param layers layers with experts
     * @param expertsPerToken experts that a token visits in each
     * @param expertBytes bytes of one
     */
    public TimeModel resumingAfterMisses(
            double nanos, int layers, int expertsPerToken, long expertBytes) {
        TimeModel plain = withResume(0);
        int[] experts = IntStream.range(0, expertsPerToken).toArray();
        List<RoutingSequence.Visit> visits =
                IntStream.range(0, layers)
                        .mapToObj(layer -> RoutingSequence.Visit.of(0, layer, experts))
                        .toList();
        long[] bytes = new long[layers];
        Arrays.fill(bytes, expertBytes);
        // A visit to an empty cache misses everything.
        RoutingSequence token =
                new RoutingSequence(
                        new CacheShape(layers, expertsPerToken, expertsPerToken), visits, 1, bytes);
        SimulationSetup setup =
                new SimulationSetup(
                        PolicyName.LRU, null, layers * expertsPerToken, GuessSource.NONE, plain);
        double parts = PolicySimulator.run(token, setup).nanos();
        return withResume(Math.max(0, nanos - parts) / layers);
    }

    private TimeModel withResume(double nanos) {
        return new TimeModel(
                bytesPerSecond, readLatency, step, layer, row, expert, expertRow, nanos);
    }

    /** How long the link is busy with some bytes, in nanoseconds. */
    public double transfer(double bytes) {
        return bytes * 1e9 / bytesPerSecond;
    }

    private static void atLeastZero(String what, double nanos) {
        if (!(nanos >= 0 && nanos < 1e18)) {
            throw new IllegalArgumentException("The " + what + " cannot be " + nanos + " ns");
        }
    }
}
