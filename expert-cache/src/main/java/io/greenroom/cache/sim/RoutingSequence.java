package io.greenroom.cache.sim;

import io.greenroom.cache.policy.CacheShape;
import io.greenroom.cache.trace.LayerRouting;
import io.greenroom.cache.trace.RoutingTrace;
import io.greenroom.cache.trace.TraceHeader;
import io.greenroom.cache.trace.TraceStep;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * A routing trace as the cache sees it: one visit after another. Made once and replayed often.
 * Immutable as long as nobody writes into its arrays.
 *
 * @param shape of the model
 * @param visits in the order in which the decoder makes them
 * @param tokens rows of all steps
 * @param expertBytes bytes of one expert of each layer, {@code [layers]}
 */
public record RoutingSequence(
        CacheShape shape, List<Visit> visits, long tokens, long[] expertBytes) {

    /**
     * One layer's visit in one step.
     *
     * @param step number of the step, from 0
     * @param layer layer of the model
     * @param rows rows of the step
     * @param decode whether no row of the step is of a prompt
     * @param experts distinct experts wanted, by popularity
     * @param counts rows that chose each of them
     * @param scored experts whose router probabilities are known; empty if none are
     * @param scores these probabilities, summed over the rows
     * @param predicted what was foreseen for this visit, the most probable first; may be empty
     */
    public record Visit(
            int step,
            int layer,
            int rows,
            boolean decode,
            int[] experts,
            int[] counts,
            int[] scored,
            float[] scores,
            int[] predicted) {

        /** A visit of one token of which only the experts are known. */
        public static Visit of(int step, int layer, int... experts) {
            int[] once = new int[experts.length];
            Arrays.fill(once, 1);
            return new Visit(
                    step, layer, 1, true, experts, once, new int[0], new float[0], new int[0]);
        }
    }

    public RoutingSequence {
        visits = List.copyOf(visits);
    }

    /** The visits of a recorded trace. */
    public static RoutingSequence of(RoutingTrace trace) {
        TraceHeader header = trace.header();
        int[] layers = header.moeLayers();
        List<Visit> visits = new ArrayList<>(trace.steps().size() * layers.length);
        int number = 0;
        for (TraceStep step : trace.steps()) {
            for (int i = 0; i < layers.length; i++) {
                LayerRouting routing = step.layers().get(i);
                visits.add(
                        visit(header, number, layers[i], step.rows(), step.decodeOnly(), routing));
            }
            number++;
        }
        CacheShape shape =
                new CacheShape(header.layers(), header.experts(), header.expertsPerToken());
        return new RoutingSequence(shape, visits, trace.rows(), header.expertBytes());
    }

    /** Experts one token is routed to over all layers: a cache below that cannot hold a token. */
    public int tokenExperts() {
        int layers = 0;
        for (long bytes : expertBytes) {
            layers += bytes > 0 ? 1 : 0;
        }
        return layers * shape.expertsPerToken();
    }

    private static Visit visit(
            TraceHeader header,
            int step,
            int layer,
            int rows,
            boolean decode,
            LayerRouting routing) {
        int[] experts = routing.visit(header);
        int m = header.topSet();
        int[] position = new int[header.experts()];
        for (int i = 0; i < experts.length; i++) {
            position[experts[i]] = i;
        }
        int[] counts = new int[experts.length];
        for (int row = 0; row < rows; row++) {
            for (int rank = 0; rank < header.expertsPerToken(); rank++) {
                counts[position[routing.experts()[row * m + rank]]]++;
            }
        }
        float[] sums = new float[header.experts()];
        float[] probabilities = routing.probabilities();
        for (int i = 0; i < probabilities.length; i++) {
            sums[routing.experts()[i]] += probabilities[i];
        }
        int[] scored = new int[header.experts()];
        int known = 0;
        for (int expert = 0; expert < sums.length; expert++) {
            if (sums[expert] > 0) {
                sums[known] = sums[expert];
                scored[known++] = expert;
            }
        }
        return new Visit(
                step,
                layer,
                rows,
                decode,
                experts,
                counts,
                Arrays.copyOf(scored, known),
                Arrays.copyOf(sums, known),
                byRank(routing.predicted(), rows, header.predictedSet()));
    }

    /** All rows' first, then all rows' second, and so on, each expert once. */
    private static int[] byRank(int[] predicted, int rows, int width) {
        if (predicted.length == 0 || rows == 1) {
            return predicted;
        }
        int[] order = new int[predicted.length];
        int count = 0;
        for (int rank = 0; rank < width; rank++) {
            for (int row = 0; row < rows; row++) {
                int expert = predicted[row * width + rank];
                if (!contains(order, count, expert)) {
                    order[count++] = expert;
                }
            }
        }
        return Arrays.copyOf(order, count);
    }

    private static boolean contains(int[] array, int count, int value) {
        for (int i = 0; i < count; i++) {
            if (array[i] == value) {
                return true;
            }
        }
        return false;
    }
}
