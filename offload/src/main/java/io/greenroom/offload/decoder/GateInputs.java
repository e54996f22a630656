package io.greenroom.offload.decoder;

import io.greenroom.offload.kernel.Activations;
import io.greenroom.offload.kernel.Kernels;

/**
 * How large the gate inputs of a step are, and how much they turn from one MoE layer to the next.
 * Keeps the last layer's.
 */
final class GateInputs {

    private final Kernels kernels;
    private final int hidden;
    private final float[] norms; // [rows] of the layer before
    private float[] current; // [rows, hidden]
    private float[] before; // [rows, hidden]

    GateInputs(Kernels kernels, int rows, int hidden) {
        this.kernels = kernels;
        this.hidden = hidden;
        this.norms = new float[rows];
        this.current = new float[Math.multiplyExact(rows, hidden)];
        this.before = new float[current.length];
    }

    /**
     * @param first whether this is the step's first MoE layer
     * @param normsOut Euclidean norms go here, {@code [n]}
     * @param similarities cosines with the layer before go here, {@code [n]}; NaN in the first
     */
    void measure(Activations input, int n, boolean first, float[] normsOut, float[] similarities) {
        float[] swapped = before;
        before = current;
        current = swapped;
        kernels.read(input, n, current);
        for (int row = 0; row < n; row++) {
            int at = row * hidden;
            float norm = (float) Math.sqrt(dot(current, current, at));
            float product = norm * norms[row];
            similarities[row] =
                    first || product == 0 ? Float.NaN : dot(current, before, at) / product;
            norms[row] = norm;
            normsOut[row] = norm;
        }
    }

    /** Four sums side by side: one would wait for each addition. */
    private float dot(float[] a, float[] b, int from) {
        int end = from + hidden;
        float s0 = 0;
        float s1 = 0;
        float s2 = 0;
        float s3 = 0;
        int i = from;
        for (; i + 3 < end; i += 4) {
            s0 += a[i] * b[i];
            s1 += a[i + 1] * b[i + 1];
            s2 += a[i + 2] * b[i + 2];
            s3 += a[i + 3] * b[i + 3];
        }
        for (; i < end; i++) {
            s0 += a[i] * b[i];
        }
        return s0 + s1 + (s2 + s3);
    }
}
