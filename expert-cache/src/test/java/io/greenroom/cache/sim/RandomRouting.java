package io.greenroom.cache.sim;

import io.greenroom.cache.policy.CacheShape;
import io.greenroom.cache.trace.LayerRouting;
import io.greenroom.cache.trace.RoutingTrace;
import io.greenroom.cache.trace.TraceHeader;
import io.greenroom.cache.trace.TraceSection;
import io.greenroom.cache.trace.TraceStep;
import io.greenroom.cache.trace.TraceStep.Phase;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;

/** Traces of a router that favours some experts, others as time goes by. */
final class RandomRouting {

    private static final int LAYERS = 5;
    private static final int EXPERTS = 24;
    private static final int CHOSEN = 3;
    private static final int TOP = 6;
    private static final int DENSE = 1; // a layer without routed experts

    private RandomRouting() {}

    static RoutingSequence sequence(long seed, int steps, int mostRows, boolean scored) {
        return RoutingSequence.of(trace(seed, steps, mostRows, scored));
    }

    /** A sequence of single tokens of any shape, each expert as likely. */
    static RoutingSequence even(long seed, CacheShape shape, int steps) {
        Random random = new Random(seed);
        List<RoutingSequence.Visit> visits = new ArrayList<>();
        for (int step = 0; step < steps; step++) {
            for (int layer = 0; layer < shape.layers(); layer++) {
                int[] chosen =
                        random.ints(0, shape.experts())
                                .distinct()
                                .limit(shape.expertsPerToken())
                                .sorted()
                                .toArray();
                visits.add(RoutingSequence.Visit.of(step, layer, chosen));
            }
        }
        long[] bytes = new long[shape.layers()];
        Arrays.fill(bytes, 100);
        return new RoutingSequence(shape, visits, steps, bytes);
    }

    /** Steps of one token, and now and then of more, as when a prompt is read. */
    static RoutingTrace trace(long seed, int steps, int mostRows, boolean scored) {
        Random random = new Random(seed);
        Set<TraceSection> sections = EnumSet.noneOf(TraceSection.class);
        if (scored) {
            sections.add(TraceSection.PROBABILITIES);
        }
        long[] bytes = {1000, 0, 1000, 1200, 800};
        TraceHeader header =
                new TraceHeader("m", "f", EXPERTS, CHOSEN, TOP, 0, true, 1200, bytes, sections);
        double[][] favours = new double[LAYERS][EXPERTS];
        List<TraceStep> list = new ArrayList<>();
        for (int number = 0; number < steps; number++) {
            boolean prefill = random.nextInt(8) == 0;
            int rows = prefill ? 1 + random.nextInt(mostRows) : 1;
            List<LayerRouting> layers = new ArrayList<>();
            for (int layer = 0; layer < LAYERS; layer++) {
                for (int expert = 0; expert < EXPERTS; expert++) {
                    favours[layer][expert] =
                            0.9 * favours[layer][expert] + 0.5 * random.nextGaussian();
                }
                if (layer != DENSE) {
                    layers.add(routing(random, favours[layer], rows, scored));
                }
            }
            Phase phase = prefill ? Phase.PREFILL : Phase.DECODE;
            list.add(
                    new TraceStep(
                            List.of(new TraceStep.Sequence(0, rows, phase, number == 0)),
                            new int[0],
                            layers));
        }
        return new RoutingTrace(header, list, Optional.empty());
    }

    private static LayerRouting routing(Random random, double[] favours, int rows, boolean scored) {
        int[] experts = new int[rows * TOP];
        float[] probabilities = new float[scored ? rows * TOP : 0];
        for (int row = 0; row < rows; row++) {
            double[] scores = new double[EXPERTS];
            double sum = 0;
            for (int expert = 0; expert < EXPERTS; expert++) {
                scores[expert] = Math.exp(favours[expert] + random.nextGaussian());
                sum += scores[expert];
            }
            int[] order =
                    IntStream.range(0, EXPERTS)
                            .boxed()
                            .sorted(Comparator.comparingDouble(expert -> -scores[expert]))
                            .mapToInt(Integer::intValue)
                            .toArray();
            for (int rank = 0; rank < TOP; rank++) {
                experts[row * TOP + rank] = order[rank];
                if (scored) {
                    probabilities[row * TOP + rank] = (float) (scores[order[rank]] / sum);
                }
            }
        }
        return new LayerRouting(experts, probabilities, new float[0], new float[0], new int[0]);
    }
}
