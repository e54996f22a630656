package io.greenroom.cache.policy;

import java.util.Arrays;

/**
 * What all layers share of the learned forecast: the weights of the features, and how they learn.
 *
 * <pre>
 * FEATURES   of an expert e, after each visit of its layer
 *   0              1
 *   1 .. RATES     log-odds of the share of visits that used e, over the last 2, 8, 32, ... visits
 *   RATES + 1      log of the router's probability for e in this visit
 * </pre>
 */
final class ReuseModel {

    /** Half-lives of the rates, in visits of the layer. */
    static final int[] HALF_LIVES = {2, 8, 32, 128, 1024};

    static final int RATES = HALF_LIVES.length;
    static final int FEATURES = RATES + 2;

    /** What a use one token later is worth, compared with one now. */
    static final float DISCOUNT = 0.6f;

    /** Step of the shared weights, relative to the typical size of their gradients. */
    private static final float RATE = 0.05f;

    private static final float FORGET = 0.9999f;

    private static final float SIGMOID_RANGE = 16;
    private static final int SIGMOID_STEPS = 64; // for a difference of 1
    private static final float[] SIGMOID = sigmoids();

    /*
     * Where learning starts: what it had come to, rounded, after some thousand tokens of each domain
     * of the demo model. The first tokens are served by it; after that it hardly matters.
     */
    final float[] weights = {0, 0, 0.3f, 0.5f, 0.2f, 0, 0.1f}; // [FEATURES]

    private final float[] squares = new float[FEATURES]; // decayed mean squares of the gradients

    ReuseModel() {
        Arrays.fill(squares, 1e-6f);
    }

    /** Moves the weights along a gradient. */
    void learn(float[] gradient) {
        for (int i = 0; i < FEATURES; i++) {
            squares[i] = FORGET * squares[i] + gradient[i] * gradient[i];
            weights[i] += (float) (RATE * gradient[i] / Math.sqrt(squares[i] + 1e-9));
        }
    }

    /** Natural logarithm within 0.06, from the bits of the number: exactness is not needed. */
    static float log(float x) {
        return (Float.floatToRawIntBits(x) * (1f / (1 << 23)) - 127) * 0.6931472f;
    }

    /** Log-odds of a share from 0 to 1, within about 4.6. */
    static float logOdds(float share) {
        return log(share + 0.01f) - log(1.01f - share);
    }

    /** The logistic function, from a table. */
    static float sigmoid(float z) {
        float at =
                (Math.min(SIGMOID_RANGE - 0.01f, Math.max(-SIGMOID_RANGE, z)) + SIGMOID_RANGE)
                        * SIGMOID_STEPS;
        int below = (int) at;
        float low = SIGMOID[below];
        return low + (at - below) * (SIGMOID[below + 1] - low);
    }

    private static float[] sigmoids() {
        float[] table = new float[(int) (2 * SIGMOID_RANGE * SIGMOID_STEPS) + 1];
        for (int i = 0; i < table.length; i++) {
            double z = (double) i / SIGMOID_STEPS - SIGMOID_RANGE;
            table[i] = (float) (1 / (1 + Math.exp(-z)));
        }
        return table;
    }
}
