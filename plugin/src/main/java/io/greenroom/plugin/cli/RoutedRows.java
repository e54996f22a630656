package io.greenroom.plugin.cli;

import io.greenroom.cache.trace.LayerRouting;
import io.greenroom.cache.trace.RoutingTraceReader;
import io.greenroom.cache.trace.TraceHeader;
import io.greenroom.cache.trace.TraceStep;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/** Tokens' routes, one after the other, as a recorded session or as chance makes them. */
interface RoutedRows {

    /**
     * Shape of the model they are of.
     *
     * @param expertsPerToken of each layer
     */
    record Shape(int layers, int experts, int expertsPerToken) {}

    Shape shape();

    /** The next token's experts, {@code [layers][k]}. */
    int[][] next();

    /** The rows of a trace, from its beginning again when they are through. */
    static RoutedRows of(Path trace) {
        List<int[][]> rows = new ArrayList<>();
        Shape shape;
        try (RoutingTraceReader reader = RoutingTraceReader.open(trace)) {
            TraceHeader header = reader.header();
            int k = header.expertsPerToken();
            shape = new Shape(header.moeLayers().length, header.experts(), k);
            while (reader.hasNext()) {
                TraceStep step = reader.next();
                for (int row = 0; row < step.rows(); row++) {
                    int[][] layers = new int[shape.layers()][k];
                    for (int layer = 0; layer < layers.length; layer++) {
                        LayerRouting routing = step.layers().get(layer);
                        System.arraycopy(
                                routing.experts(), row * header.topSet(), layers[layer], 0, k);
                    }
                    rows.add(layers);
                }
            }
        }
        if (rows.isEmpty()) {
            throw new IllegalArgumentException("The trace " + trace + " has no steps");
        }
        return new RoutedRows() {
            private int at;

            @Override
            public Shape shape() {
                return shape;
            }

            @Override
            public int[][] next() {
                return rows.get(at++ % rows.size());
            }
        };
    }

    /**
     * Chance: the expert of rank r is about as likely as r^-skew, with another ranking in each
     * layer.
     */
    static RoutedRows drawn(Shape shape, double skew, long seed) {
        Random random = new Random(seed);
        double[][] logits = new double[shape.layers()][shape.experts()];
        for (double[] layer : logits) {
            for (int rank = 0; rank < layer.length; rank++) {
                layer[rank] = -skew * Math.log(rank + 1.0);
            }
            for (int i = layer.length - 1; i > 0; i--) {
                int other = random.nextInt(i + 1);
                double swapped = layer[i];
                layer[i] = layer[other];
                layer[other] = swapped;
            }
        }
        return new RoutedRows() {
            private final double[] scores = new double[shape.experts()];

            @Override
            public Shape shape() {
                return shape;
            }

            @Override
            public int[][] next() {
                int[][] rows = new int[shape.layers()][shape.expertsPerToken()];
                for (int layer = 0; layer < rows.length; layer++) {
                    // Gumbel's trick: the k largest are a draw without replacement.
                    for (int expert = 0; expert < scores.length; expert++) {
                        double gumbel = -Math.log(-Math.log(1 - random.nextDouble()));
                        scores[expert] = logits[layer][expert] + gumbel;
                    }
                    for (int rank = 0; rank < rows[layer].length; rank++) {
                        int best = 0;
                        for (int expert = 1; expert < scores.length; expert++) {
                            best = scores[expert] > scores[best] ? expert : best;
                        }
                        rows[layer][rank] = best;
                        scores[best] = Double.NEGATIVE_INFINITY;
                    }
                }
                return rows;
            }
        };
    }
}
