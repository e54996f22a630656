package io.greenroom.cache.trace;

import io.greenroom.cache.trace.TraceStep.Phase;
import io.greenroom.cache.trace.TraceStep.Sequence;
import java.util.BitSet;
import java.util.HashMap;
import java.util.Iterator;
import java.util.Map;

/**
 * What a trace looks like from afar.
 *
 * @param steps steps in the file
 * @param prefillRows rows of prompts
 * @param decodeRows rows one after another
 * @param requests requests that appear in it
 * @param largestStep most rows of a step
 * @param largestBatch most requests of a step
 * @param layers one for each MoE layer
 */
public record TraceFigures(
        long steps,
        long prefillRows,
        long decodeRows,
        int requests,
        int largestStep,
        int largestBatch,
        Layer[] layers) {

    /**
     * One MoE layer.
     *
     * @param layer its index in the model
     * @param entropy of the load, divided by the logarithm of the number of experts: 1 when all
     *     experts are equally busy
     * @param repeated share of a row's experts that the row before, of the same request, chose too
     * @param repeatedVisits share of a step's distinct experts that the step before asked for too
     * @param similarity mean cosine of the gate input with that of the MoE layer before; NaN where
     *     there is none
     */
    public record Layer(
            int layer, double entropy, double repeated, double repeatedVisits, double similarity) {}

    /** Reads steps to the end. */
    public static TraceFigures of(TraceHeader header, Iterator<TraceStep> steps) {
        Count count = new Count(header);
        while (steps.hasNext()) {
            count.add(steps.next());
        }
        return count.figures();
    }

    private static final class Count {

        private final TraceHeader header;
        private final int[] moeLayers;
        private final long[][] load; // [moeLayers][experts]
        private final long[] repeated; // [moeLayers]
        private final long[] repeatedVisits; // [moeLayers]
        private final long[] visits; // [moeLayers]
        private final double[] similarity; // [moeLayers] sums
        private final long[] similarities; // [moeLayers] how many
        private final Map<Integer, BitSet[]> last = new HashMap<>(); // of each request, by layer
        private final BitSet[] lastVisit;
        private final BitSet requests = new BitSet();
        private long repeatable;
        private long steps;
        private long prefillRows;
        private long decodeRows;
        private int largestStep;
        private int largestBatch;

        Count(TraceHeader header) {
            this.header = header;
            this.moeLayers = header.moeLayers();
            this.load = new long[moeLayers.length][header.experts()];
            this.repeated = new long[moeLayers.length];
            this.repeatedVisits = new long[moeLayers.length];
            this.visits = new long[moeLayers.length];
            this.similarity = new double[moeLayers.length];
            this.similarities = new long[moeLayers.length];
            this.lastVisit = new BitSet[moeLayers.length];
        }

        void add(TraceStep step) {
            int row = 0;
            for (Sequence sequence : step.sequences()) {
                if (sequence.phase() == Phase.PREFILL) {
                    prefillRows += sequence.rows();
                } else {
                    decodeRows += sequence.rows();
                }
                for (int i = 0; i < sequence.rows(); i++) {
                    row(step, sequence.request(), row++);
                }
            }
            for (int request : step.ended()) {
                last.remove(request);
            }
            visits(step);
            steps++;
            largestStep = Math.max(largestStep, row);
            largestBatch = Math.max(largestBatch, step.sequences().size());
        }

        private void row(TraceStep step, int request, int row) {
            requests.set(request);
            BitSet[] before = last.get(request);
            BitSet[] now = new BitSet[moeLayers.length];
            for (int layer = 0; layer < moeLayers.length; layer++) {
                LayerRouting routing = step.layers().get(layer);
                now[layer] = new BitSet(header.experts());
                for (int rank = 0; rank < header.expertsPerToken(); rank++) {
                    int expert = routing.experts()[row * header.topSet() + rank];
                    load[layer][expert]++;
                    now[layer].set(expert);
                    if (before != null && before[layer].get(expert)) {
                        repeated[layer]++;
                    }
                }
                if (routing.similarities().length > 0
                        && !Float.isNaN(routing.similarities()[row])) {
                    similarity[layer] += routing.similarities()[row];
                    similarities[layer]++;
                }
            }
            repeatable += before == null ? 0 : header.expertsPerToken();
            last.put(request, now);
        }

        private void visits(TraceStep step) {
            for (int layer = 0; layer < moeLayers.length; layer++) {
                BitSet now = new BitSet(header.experts());
                for (int expert : step.layers().get(layer).visit(header)) {
                    now.set(expert);
                }
                BitSet before = lastVisit[layer];
                if (before != null) {
                    visits[layer] += now.cardinality();
                    before.and(now);
                    repeatedVisits[layer] += before.cardinality();
                }
                lastVisit[layer] = now;
            }
        }

        TraceFigures figures() {
            Layer[] layers = new Layer[moeLayers.length];
            for (int layer = 0; layer < layers.length; layer++) {
                layers[layer] =
                        new Layer(
                                moeLayers[layer],
                                entropy(load[layer]),
                                ratio(repeated[layer], repeatable),
                                ratio(repeatedVisits[layer], visits[layer]),
                                similarity[layer] / similarities[layer]);
            }
            return new TraceFigures(
                    steps,
                    prefillRows,
                    decodeRows,
                    requests.cardinality(),
                    largestStep,
                    largestBatch,
                    layers);
        }

        private static double ratio(long part, long whole) {
            return whole == 0 ? 0 : (double) part / whole;
        }

        private double entropy(long[] counts) {
            double total = 0;
            for (long count : counts) {
                total += count;
            }
            double entropy = 0;
            for (long count : counts) {
                if (count > 0) {
                    entropy -= count / total * Math.log(count / total);
                }
            }
            return counts.length == 1 ? 1 : entropy / Math.log(counts.length);
        }
    }
}
