package io.greenroom.offload.decoder;

import io.greenroom.cache.trace.LayerRouting;
import io.greenroom.cache.trace.TraceHeader;
import io.greenroom.cache.trace.TraceStep;
import io.greenroom.cache.trace.TraceStep.Phase;
import io.greenroom.cache.trace.TraceStep.Sequence;
import io.greenroom.gating.Softmax;
import io.greenroom.gating.TopK;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Makes a trace's step of what the decoder's thread has copied. Used by the recorder's thread. */
final class StepPacker {

    private static final int[] NONE = {};

    private final TraceHeader header;
    private final float[] probabilities; // [experts]

    StepPacker(TraceHeader header) {
        this.header = header;
        this.probabilities = new float[header.experts()];
    }

    TraceStep pack(StepBuffer step) {
        List<Sequence> sequences = new ArrayList<>(step.sequences);
        for (int i = 0; i < step.sequences; i++) {
            sequences.add(
                    new Sequence(
                            step.requests[i],
                            step.sequenceRows[i],
                            step.prefill[i] ? Phase.PREFILL : Phase.DECODE,
                            step.begins[i]));
        }
        List<LayerRouting> layers = new ArrayList<>(step.layersDone);
        for (int layer = 0; layer < step.layersDone; layer++) {
            layers.add(layer(step, layer));
        }
        return new TraceStep(sequences, Arrays.copyOf(step.ended, step.endedCount), layers);
    }

    private LayerRouting layer(StepBuffer step, int layer) {
        int m = header.topSet();
        int[] experts = new int[step.rows * m];
        float[] of = new float[step.rows * m];
        for (int row = 0; row < step.rows; row++) {
            topSet(step, layer, row, experts, of);
        }
        return new LayerRouting(
                experts,
                of,
                Arrays.copyOf(step.norms[layer], step.rows),
                Arrays.copyOf(step.similarities[layer], step.rows),
                step.isForeseen[layer] ? foreseen(step, layer) : NONE);
    }

    /** Those that ran, in router order, then the most probable of the others. */
    private void topSet(StepBuffer step, int layer, int row, int[] experts, float[] of) {
        int e = header.experts();
        int k = header.expertsPerToken();
        int m = header.topSet();
        if (Softmax.probabilities(step.logits[layer], row * e, e, probabilities) >= 0) {
            Arrays.fill(probabilities, 0); // such a row has failed, and its step is not recorded
        }
        for (int rank = 0; rank < k; rank++) {
            int expert = step.chosen[layer][row * k + rank];
            experts[row * m + rank] = expert;
            of[row * m + rank] = probabilities[expert];
        }
        for (int rank = 0; rank < k; rank++) {
            probabilities[experts[row * m + rank]] = -1;
        }
        if (m > k) {
            TopK.select(probabilities, e, m - k, experts, of, row * m + k);
        }
    }

    private int[] foreseen(StepBuffer step, int layer) {
        int e = header.experts();
        int w = header.predictedSet();
        int[] ranked = new int[step.rows * w];
        float[] largest = new float[ranked.length];
        for (int row = 0; row < step.rows; row++) {
            // Softmax keeps the order, so the logits rank as well.
            System.arraycopy(step.foreseen[layer], row * e, probabilities, 0, e);
            TopK.select(probabilities, e, w, ranked, largest, row * w);
        }
        return ranked;
    }
}
