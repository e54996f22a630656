package io.greenroom.cache.trace;

import io.greenroom.cache.trace.TraceStep.Phase;
import io.greenroom.cache.trace.TraceStep.Sequence;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Random;
import java.util.Set;

/** Traces of random shape and content; the same seed gives the same trace. */
final class RandomTraces {

    private RandomTraces() {}

    static TraceHeader header(Random random) {
        int experts = random.nextInt(5) == 0 ? 257 + random.nextInt(300) : 1 + random.nextInt(64);
        int k = 1 + random.nextInt(Math.min(experts, 8));
        int m = k + random.nextInt(Math.min(experts, 16) - k + 1);
        Set<TraceSection> sections = EnumSet.noneOf(TraceSection.class);
        for (TraceSection section : TraceSection.values()) {
            if (random.nextBoolean()) {
                sections.add(section);
            }
        }
        int w = 0;
        if (sections.contains(TraceSection.PREDICTIONS)) {
            w = 1 + random.nextInt(Math.min(experts, 16));
        }
        long[] expertBytes = new long[1 + random.nextInt(12)];
        for (int layer = 0; layer < expertBytes.length; layer++) {
            expertBytes[layer] = random.nextInt(4) == 0 ? 0 : 1 + random.nextInt(1 << 20);
        }
        expertBytes[random.nextInt(expertBytes.length)] = 1 << 20;
        return new TraceHeader(
                "model-" + random.nextInt(),
                Long.toHexString(random.nextLong()),
                experts,
                k,
                m,
                w,
                random.nextBoolean(),
                (1 << 20) + random.nextInt(4096),
                expertBytes,
                sections);
    }

    static List<TraceStep> steps(TraceHeader header, int count, Random random) {
        List<TraceStep> steps = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            steps.add(step(header, random));
        }
        return steps;
    }

    static TraceStep step(TraceHeader header, Random random) {
        List<Sequence> sequences = new ArrayList<>();
        for (int i = random.nextInt(4); i >= 0; i--) {
            sequences.add(
                    new Sequence(
                            random.nextInt() & Integer.MAX_VALUE,
                            1 + random.nextInt(6),
                            random.nextBoolean() ? Phase.PREFILL : Phase.DECODE,
                            random.nextBoolean()));
        }
        int[] ended = random.ints(random.nextInt(3), 0, Integer.MAX_VALUE).toArray();
        int rows = sequences.stream().mapToInt(Sequence::rows).sum();
        List<LayerRouting> layers = new ArrayList<>();
        for (int layer = 0; layer < header.moeLayers().length; layer++) {
            int cells = rows * header.topSet();
            int w = random.nextBoolean() ? header.predictedSet() : 0;
            layers.add(
                    new LayerRouting(
                            ids(header, rows, header.topSet(), random),
                            column(header, TraceSection.PROBABILITIES, cells, random),
                            column(header, TraceSection.NORMS, rows, random),
                            column(header, TraceSection.SIMILARITIES, rows, random),
                            ids(header, w == 0 ? 0 : rows, w, random)));
        }
        return new TraceStep(sequences, ended, layers);
    }

    private static int[] ids(TraceHeader header, int rows, int width, Random random) {
        int[] ids = new int[rows * width];
        for (int row = 0; row < rows; row++) {
            int[] some = random.ints(0, header.experts()).distinct().limit(width).toArray();
            System.arraycopy(some, 0, ids, row * width, width);
        }
        return ids;
    }

    /** Numbers that 16 bits hold exactly. */
    private static float[] column(
            TraceHeader header, TraceSection section, int count, Random random) {
        float[] column = new float[header.has(section) ? count : 0];
        for (int i = 0; i < column.length; i++) {
            column[i] =
                    switch (section) {
                        case PROBABILITIES ->
                                TraceNumbers.probability(
                                        TraceNumbers.probability(random.nextFloat()));
                        case NORMS ->
                                TraceNumbers.norm(TraceNumbers.norm(100 * random.nextFloat()));
                        case SIMILARITIES ->
                                random.nextInt(8) == 0
                                        ? Float.NaN
                                        : TraceNumbers.cosine(
                                                TraceNumbers.cosine(2 * random.nextFloat() - 1));
                        case PREDICTIONS -> throw new IllegalArgumentException();
                    };
        }
        return column;
    }

    static void write(Path file, TraceHeader header, List<TraceStep> steps, int stepsPerChunk)
            throws IOException {
        try (RoutingTraceWriter writer = RoutingTraceWriter.create(file, header, Long.MAX_VALUE)) {
            for (int i = 0; i < steps.size(); i++) {
                writer.write(steps.get(i));
                if (i % stepsPerChunk == stepsPerChunk - 1) {
                    writer.flush();
                }
            }
        }
    }
}
