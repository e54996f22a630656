package io.greenroom.offload.decoder;

import io.greenroom.offload.kernel.Activations;
import io.greenroom.offload.kernel.Kernels;
import io.greenroom.offload.store.ModelSpec;

/**
 * Cosines and sines of the rotary position embedding (Su et al., "RoFormer", 2021), in the layout
 * the kernels read: per position {@code headDim / 2} cosines, then {@code headDim / 2} sines.
 */
final class RopeTable {

    /** Positions computed at once: a long context would else need as much heap as the table has. */
    private static final int PIECE = 1024;

    private RopeTable() {}

    /**
     * Fills a table.
     *
     * @param table {@code [contextLength, headDim]}
     */
    static void fill(ModelSpec spec, Kernels kernels, Activations table) {
        for (int from = 0; from < table.rows(); from += PIECE) {
            int count = Math.min(PIECE, table.rows() - from);
            kernels.write(compute(spec, from, count), count, table.slice(from, count));
        }
    }

    /**
     * The rows of {@code count} positions, {@code [count, headDim]}.
     *
     * <p>Frequencies and angles are rounded to 32-bit floats because the reference (Transformers in
     * float32) rounds them: at position 4000 an angle in doubles differs by more than the rest of
     * the forward pass does.
     */
    static float[] compute(ModelSpec spec, int from, int count) {
        int half = spec.headDim() / 2;
        float[] frequencies = new float[half];
        for (int i = 0; i < half; i++) {
            float exponent = (float) (2 * i) / spec.headDim();
            frequencies[i] = 1.0f / (float) Math.pow(spec.ropeTheta(), exponent);
        }
        float[] table = new float[Math.multiplyExact(count, spec.headDim())];
        for (int position = from; position < from + count; position++) {
            int row = (position - from) * spec.headDim();
            for (int i = 0; i < half; i++) {
                float angle = position * frequencies[i];
                table[row + i] = (float) Math.cos(angle);
                table[row + half + i] = (float) Math.sin(angle);
            }
        }
        return table;
    }
}
