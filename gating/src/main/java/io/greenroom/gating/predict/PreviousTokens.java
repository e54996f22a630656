package io.greenroom.gating.predict;

/**
 * Expects of a layer what it chose for the token before: its experts in their order, then those of
 * the token before that, and so on, so that a ranking is complete beyond the first k.
 */
public final class PreviousTokens implements RoutingForecaster {

    private final float[][] lastUse; // [layers][experts], larger is later; 0 for never
    private final float[] clock; // [layers]

    /**
     * @param layers layers of the model
     * @param experts experts per layer
     */
    public PreviousTokens(int layers, int experts) {
        lastUse = new float[layers][experts];
        clock = new float[layers];
    }

    /** The token before belongs to another text. */
    @Override
    public void requestBegins() {
        for (int layer = 0; layer < lastUse.length; layer++) {
            java.util.Arrays.fill(lastUse[layer], 0);
            clock[layer] = 0;
        }
    }

    @Override
    public void routed(int layer, int[] experts) {
        // Whole numbers, exact up to 2^24 choices of one text and layer.
        clock[layer] += experts.length;
        for (int rank = 0; rank < experts.length; rank++) {
            lastUse[layer][experts[rank]] = clock[layer] - rank;
        }
    }

    @Override
    public void foresee(int layer, int ahead, float[] scores) {
        System.arraycopy(lastUse[layer], 0, scores, 0, scores.length);
    }
}
