package io.greenroom.cache.trace;

import io.greenroom.cache.trace.TraceStep.Sequence;
import java.util.Arrays;

/** Whether a step fits a trace: a writer refuses what a reader would. */
final class StepCheck {

    private final TraceHeader header;
    private final int moeLayers;
    private final boolean[] seen; // [experts]

    StepCheck(TraceHeader header) {
        this.header = header;
        this.moeLayers = header.moeLayers().length;
        this.seen = new boolean[header.experts()];
    }

    /**
     * @throws IllegalArgumentException saying what does not fit
     */
    void check(TraceStep step) {
        for (Sequence sequence : step.sequences()) {
            if (sequence.request() < 0 || sequence.rows() < 1) {
                throw new IllegalArgumentException(
                        "A sequence needs a request of at least 0 and at least 1 row: " + sequence);
            }
        }
        for (int request : step.ended()) {
            if (request < 0) {
                throw new IllegalArgumentException("No request has number " + request);
            }
        }
        int rows = step.rows();
        length("sequences", step.sequences().size(), Math.max(1, step.sequences().size()));
        length("layers", step.layers().size(), moeLayers);
        for (LayerRouting layer : step.layers()) {
            int m = header.topSet();
            length("experts", layer.experts().length, rows * m);
            numbers(TraceSection.PROBABILITIES, layer.probabilities(), rows * m);
            numbers(TraceSection.NORMS, layer.norms(), rows);
            numbers(TraceSection.SIMILARITIES, layer.similarities(), rows);
            ids(layer.experts(), m);
            if (layer.predicted().length > 0) {
                length("predicted experts", layer.predicted().length, rows * header.predictedSet());
                ids(layer.predicted(), header.predictedSet());
            }
        }
    }

    private void numbers(TraceSection section, float[] column, int expected) {
        length(section.toString(), column.length, header.has(section) ? expected : 0);
    }

    private static void length(String what, int found, int expected) {
        if (found != expected) {
            throw new IllegalArgumentException(
                    "The step has " + found + " " + what + ", expected " + expected);
        }
    }

    private void ids(int[] ids, int width) {
        for (int i = 0; i < ids.length; i++) {
            if (i % width == 0) {
                Arrays.fill(seen, false);
            }
            if (ids[i] < 0 || ids[i] >= seen.length || seen[ids[i]]) {
                throw new IllegalArgumentException(
                        "Expert "
                                + ids[i]
                                + " is not one of "
                                + seen.length
                                + ", or stands twice in its row");
            }
            seen[ids[i]] = true;
        }
    }
}
