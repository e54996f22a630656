package io.greenroom.offload.decoder;

import io.greenroom.offload.kernel.Activations;
import io.greenroom.offload.memory.NativeMemory;
import io.greenroom.offload.store.ModelSpec;

/**
 * The buffers of a forward pass, cut from one block of memory and overwritten by every step: {@code
 * R} rows of a batch, {@code k} experts per token.
 *
 * @param x residual stream, {@code [R, hidden]}
 * @param normed input of the half-layer being computed, {@code [R, hidden]}
 * @param queries {@code [R, heads * headDim]}
 * @param keys {@code [R, kvHeads * headDim]}
 * @param values {@code [R, kvHeads * headDim]}
 * @param attended {@code [R, heads * headDim]}
 * @param projected output of a half-layer, {@code [R, hidden]}
 * @param routerLogits {@code [R, experts]}
 * @param predictedLogits guesses for the next layer's router, {@code [L, experts]}
 * @param partial outputs of routed experts, {@code [R * k, hidden]}
 * @param sharedGate {@code [R, 1]}
 * @param finalNormed rows whose logits are wanted, {@code [L, hidden]}
 * @param logits {@code [L, vocabulary]}
 * @param rope {@code [contextLength, headDim]}, written once
 */
record Scratch(
        Activations x,
        Activations normed,
        Activations queries,
        Activations keys,
        Activations values,
        Activations attended,
        Activations projected,
        Activations routerLogits,
        Activations predictedLogits,
        Activations partial,
        Activations sharedGate,
        Activations finalNormed,
        Activations logits,
        Activations rope) {

    private static final int ALIGNMENT = 64;

    /**
     * Dimensions of the buffers.
     *
     * @param rows {@code R}, most rows of a batch
     * @param logitRows {@code L}, most rows projected onto the vocabulary, or predicted, at once
     * @param contextLength rows of the rotary table
     */
    record Shape(ModelSpec spec, int rows, int logitRows, int contextLength) {

        long bytes() {
            long bytes = 0;
            for (int[] shape : shapes()) {
                bytes += aligned(shape);
            }
            return bytes;
        }

        private int[][] shapes() {
            int queryWidth = spec.heads() * spec.headDim();
            int keyWidth = spec.kvHeads() * spec.headDim();
            return new int[][] {
                {rows, spec.hidden()},
                {rows, spec.hidden()},
                {rows, queryWidth},
                {rows, keyWidth},
                {rows, keyWidth},
                {rows, queryWidth},
                {rows, spec.hidden()},
                {rows, spec.experts()},
                {logitRows, spec.experts()},
                {Math.multiplyExact(rows, spec.expertsPerToken()), spec.hidden()},
                {rows, 1},
                {logitRows, spec.hidden()},
                {logitRows, spec.vocabulary()},
                {contextLength, spec.headDim()},
            };
        }

        private static long aligned(int[] shape) {
            long bytes = Math.multiplyExact((long) shape[0] * shape[1], Float.BYTES);
            return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
        }
    }

    /** Cuts {@code memory}, of at least {@code shape.bytes()}. */
    static Scratch in(NativeMemory memory, Shape shape) {
        int[][] shapes = shape.shapes();
        Activations[] cut = new Activations[shapes.length];
        long offset = 0;
        for (int i = 0; i < shapes.length; i++) {
            cut[i] = new Activations(memory, offset, shapes[i][0], shapes[i][1]);
            offset += Shape.aligned(shapes[i]);
        }
        return new Scratch(
                cut[0], cut[1], cut[2], cut[3], cut[4], cut[5], cut[6], cut[7], cut[8], cut[9],
                cut[10], cut[11], cut[12], cut[13]);
    }
}
