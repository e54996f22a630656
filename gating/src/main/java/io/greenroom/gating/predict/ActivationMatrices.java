package io.greenroom.gating.predict;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Expects what a similar earlier text chose (Xue et al., "MoE-Infinity: Offloading-Efficient MoE
 * Model Serving", arXiv 2401.14361). A text's expert activation matrix counts how many of its
 * tokens each expert of each layer was chosen by; the matrices of earlier texts are kept, and the
 * one most like that of the text under way says what the layers ahead will choose.
 *
 * <pre>
 * DEFINITION  M[l, e]      tokens of a text that chose e in layer l
 *             like(A, B) = mean over layers l known in A of  cos(A[l], B[l])
 *             score[e]   = B[l, e] for the B most like the text's own A so far, ties broken by A
 * </pre>
 *
 * <p>When the collection is full, the new matrix takes the place of the one most like it, as in the
 * paper: what is kept stays diverse. Texts of which nothing similar is known yet (the first one)
 * are expected to go on as they began.
 */
public final class ActivationMatrices implements RoutingForecaster {

    /** A's part in the score: less than one token of B, so that it only breaks ties. */
    private static final float TIE = 1e-3f;

    private final int layers;
    private final int experts;
    private final int capacity;
    private final List<float[]> kept = new ArrayList<>(); // [layers * experts], rows of length 1
    private float[] current; // [layers * experts], counts
    private float[] alike = {}; // the kept one most like the current, or empty
    private boolean stale = true;
    private boolean begun;

    /**
     * @param layers layers of the model
     * @param experts experts per layer
     * @param capacity most matrices to keep
     */
    public ActivationMatrices(int layers, int experts, int capacity) {
        if (capacity < 1) {
            throw new IllegalArgumentException("A collection holds at least 1, got " + capacity);
        }
        this.layers = layers;
        this.experts = experts;
        this.capacity = capacity;
        this.current = new float[layers * experts];
    }

    @Override
    public void requestBegins() {
        if (begun) {
            keep(current);
        }
        current = new float[layers * experts];
        begun = false;
        stale = true;
    }

    @Override
    public void tokenBegins(int token) {
        stale = true; // matching once a token is often enough, and as the paper does it
    }

    @Override
    public void routed(int layer, int[] chosen) {
        begun = true;
        for (int expert : chosen) {
            current[layer * experts + expert]++;
        }
    }

    @Override
    public void foresee(int layer, int ahead, float[] scores) {
        if (stale) {
            int best = mostAlike(current);
            alike = best < 0 ? new float[0] : kept.get(best);
            stale = false;
        }
        for (int e = 0; e < experts; e++) {
            float own = current[layer * experts + e];
            scores[e] =
                    alike.length == 0 ? own : alike[layer * experts + e] + TIE * own / (1 + own);
        }
    }

    private void keep(float[] matrix) {
        float[] scaled = matrix.clone();
        for (int layer = 0; layer < layers; layer++) {
            double length = length(matrix, layer);
            for (int e = 0; e < experts; e++) {
                scaled[layer * experts + e] /= length == 0 ? 1 : (float) length;
            }
        }
        if (kept.size() < capacity) {
            kept.add(scaled);
        } else {
            kept.set(mostAlike(matrix), scaled);
        }
    }

    /** Index of the kept matrix most like this one; -1 if there is none. */
    private int mostAlike(float[] matrix) {
        double[] lengths = new double[layers];
        Arrays.setAll(lengths, layer -> length(matrix, layer));
        int best = -1;
        double most = Double.NEGATIVE_INFINITY;
        for (int i = 0; i < kept.size(); i++) {
            double like = 0;
            for (int layer = 0; layer < layers; layer++) {
                if (lengths[layer] > 0) {
                    like += dot(matrix, kept.get(i), layer) / lengths[layer];
                }
            }
            if (like > most) {
                most = like;
                best = i;
            }
        }
        return best;
    }

    private double length(float[] matrix, int layer) {
        return Math.sqrt(dot(matrix, matrix, layer));
    }

    private double dot(float[] a, float[] b, int layer) {
        double sum = 0;
        for (int i = layer * experts; i < (layer + 1) * experts; i++) {
            sum += (double) a[i] * b[i];
        }
        return sum;
    }
}
