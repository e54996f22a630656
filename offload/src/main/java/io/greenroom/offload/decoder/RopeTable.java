package io.greenroom.offload.decoder;

import io.greenroom.offload.store.ModelSpec;

/**
 * Cosines and sines of the rotary position embedding (Su et al., "RoFormer", 2021), in the layout
 * the kernels read: per position {@code headDim / 2} cosines, then {@code headDim / 2} sines.
 */
final class RopeTable {

    private RopeTable() {}

    /**
     * Fills {@code [contextLength, headDim]}.
     *
     * <p>Frequencies and angles are rounded to 32-bit floats because the reference (Transformers in
     * float32) rounds them: at position 4000 an angle in doubles differs by more than the rest of
     * the forward pass does.
     */
    static float[] compute(ModelSpec spec, int contextLength) {
        int half = spec.headDim() / 2;
        float[] frequencies = new float[half];
        for (int i = 0; i < half; i++) {
            float exponent = (float) (2 * i) / spec.headDim();
            frequencies[i] = 1.0f / (float) Math.pow(spec.ropeTheta(), exponent);
        }
        float[] table = new float[Math.multiplyExact(contextLength, spec.headDim())];
        for (int position = 0; position < contextLength; position++) {
            int row = position * spec.headDim();
            for (int i = 0; i < half; i++) {
                float angle = position * frequencies[i];
                table[row + i] = (float) Math.cos(angle);
                table[row + half + i] = (float) Math.sin(angle);
            }
        }
        return table;
    }
}
