package io.greenroom.gating.predict;

/** Expects of a layer the experts it chose most often lately, whatever the token. */
public final class Popularity implements RoutingForecaster {

    private final float keep;
    private final float[][] counts; // [layers][experts], decaying

    /**
     * @param layers layers of the model
     * @param experts experts per layer
     * @param halfLife tokens after which a choice counts half; infinity to count all alike
     */
    public Popularity(int layers, int experts, double halfLife) {
        if (!(halfLife > 0)) {
            throw new IllegalArgumentException("A half-life is above 0, got " + halfLife);
        }
        keep = (float) Math.pow(0.5, 1 / halfLife);
        counts = new float[layers][experts];
    }

    @Override
    public void routed(int layer, int[] experts) {
        float[] row = counts[layer];
        for (int i = 0; i < row.length; i++) {
            row[i] *= keep;
        }
        for (int expert : experts) {
            row[expert]++;
        }
    }

    @Override
    public void foresee(int layer, int ahead, float[] scores) {
        System.arraycopy(counts[layer], 0, scores, 0, scores.length);
    }
}
