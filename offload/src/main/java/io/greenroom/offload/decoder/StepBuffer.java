package io.greenroom.offload.decoder;

import io.greenroom.cache.trace.TraceHeader;
import io.greenroom.gating.RoutingDecision;
import java.util.Arrays;

/**
 * One step as the decoder's thread copies it for the recorder: room for some rows, allocated once.
 * Whoever holds it owns it; it is handed on through queues.
 */
final class StepBuffer {

    /**
     * @param rows most rows of a step
     * @param foreseenRows most rows of a prediction
     * @param sequences most sequences of a step, and most ends of requests
     */
    record Capacity(int rows, int foreseenRows, int sequences) {

        /** Bytes a buffer of this capacity takes, about. */
        long bytes(TraceHeader header) {
            long perLayer =
                    (long) rows * (header.experts() + header.expertsPerToken() + 2)
                            + (long) foreseenRows * header.experts();
            return perLayer * header.moeLayers().length * Float.BYTES;
        }
    }

    final Capacity capacity;
    final boolean large;
    final int[] requests; // [sequences]
    final int[] sequenceRows; // [sequences]
    final boolean[] prefill; // [sequences]
    final boolean[] begins; // [sequences]
    final int[] ended; // [sequences]
    final float[][] logits; // [moeLayers][rows * experts]
    final int[][] chosen; // [moeLayers][rows * k]
    final float[][] norms; // [moeLayers][rows]
    final float[][] similarities; // [moeLayers][rows]
    final float[][] foreseen; // [moeLayers][foreseenRows * experts] logits of the prediction
    final boolean[] isForeseen; // [moeLayers]
    int rows;
    int sequences;
    int endedCount;
    int layersDone;
    boolean complete;

    /**
     * @param large which kind of two it is, for its owner
     */
    StepBuffer(TraceHeader header, Capacity capacity, boolean large) {
        this.capacity = capacity;
        this.large = large;
        int layers = header.moeLayers().length;
        requests = new int[capacity.sequences()];
        sequenceRows = new int[capacity.sequences()];
        prefill = new boolean[capacity.sequences()];
        begins = new boolean[capacity.sequences()];
        ended = new int[capacity.sequences()];
        logits = new float[layers][capacity.rows() * header.experts()];
        chosen = new int[layers][capacity.rows() * header.expertsPerToken()];
        norms = new float[layers][capacity.rows()];
        similarities = new float[layers][capacity.rows()];
        foreseen = new float[layers][capacity.foreseenRows() * header.experts()];
        isForeseen = new boolean[layers];
    }

    /** Starts a step; false if it does not fit. */
    boolean begin(Batch batch) {
        if (batch.rows() > capacity.rows() || batch.sequenceCount() > capacity.sequences()) {
            return false;
        }
        rows = batch.rows();
        sequences = 0;
        endedCount = 0;
        layersDone = 0;
        complete = false;
        Arrays.fill(isForeseen, false);
        int last = -1;
        for (int row = 0; row < rows; row++) {
            int sequence = batch.sequences()[row];
            if (sequence != last) {
                requests[sequences] = batch.request(sequence);
                prefill[sequences] = batch.isPrompt(sequence);
                begins[sequences] = batch.positions()[row] == 0;
                sequenceRows[sequences] = 0;
                sequences++;
                last = sequence;
            }
            sequenceRows[sequences - 1]++;
        }
        return true;
    }

    /** Takes a layer's routing; layers come in order. */
    void layer(float[] from, RoutingDecision decision, int experts) {
        System.arraycopy(from, 0, logits[layersDone], 0, rows * experts);
        int[] ids = decision.experts();
        System.arraycopy(ids, 0, chosen[layersDone], 0, ids.length);
        layersDone++;
    }

    /** Notes the end of a request; one too many is forgotten. */
    void end(int request) {
        if (endedCount < ended.length) {
            ended[endedCount++] = request;
        }
    }
}
