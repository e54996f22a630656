package io.greenroom.gating.predict;

import io.greenroom.gating.RoutingDecision;

/**
 * How well each layer's experts were predicted: of the experts its router chose, the share that
 * stood among the k, or the 2k, likeliest of the prediction for the same token. Thread-safe.
 */
public final class PredictionStats {

    /**
     * The recall of one layer.
     *
     * @param chosen experts chosen by the router, summed over tokens
     * @param withinK of these, how many the prediction had among its first k
     * @param within2K of these, how many it had among its first 2k
     */
    public record Recall(long chosen, long withinK, long within2K) {

        /** Share found at width k, from 0 to 1; 0 if nothing was recorded. */
        public double atK() {
            return chosen == 0 ? 0 : (double) withinK / chosen;
        }

        /** Share found at width 2k, from 0 to 1; 0 if nothing was recorded. */
        public double at2K() {
            return chosen == 0 ? 0 : (double) within2K / chosen;
        }
    }

    private final int experts;
    private final long[] chosen; // [layers]
    private final long[] withinK; // [layers]
    private final long[] within2K; // [layers]

    /**
     * @param layers layers of the model
     * @param experts experts per layer
     */
    public PredictionStats(int layers, int experts) {
        this.experts = experts;
        chosen = new long[layers];
        withinK = new long[layers];
        within2K = new long[layers];
    }

    /**
     * Compares a prediction with what came of it.
     *
     * @param layer the layer predicted
     * @param logits {@code [tokens, experts]}: the predicted ones, not the router's
     * @param actual what the layer's router decided for the same tokens
     */
    public void record(int layer, float[] logits, RoutingDecision actual) {
        int k = actual.expertsPerToken();
        if ((long) actual.tokens() * experts > logits.length) {
            throw new IllegalArgumentException(
                    "A prediction for "
                            + actual.tokens()
                            + " tokens has "
                            + (long) actual.tokens() * experts
                            + " logits, got "
                            + logits.length);
        }
        int first = 0;
        int second = 0;
        for (int token = 0; token < actual.tokens(); token++) {
            for (int i = 0; i < k; i++) {
                int rank = rank(logits, token * experts, actual.expert(token, i));
                first += rank < k ? 1 : 0;
                second += rank < 2 * k ? 1 : 0;
            }
        }
        synchronized (this) {
            chosen[layer] += (long) actual.tokens() * k;
            withinK[layer] += first;
            within2K[layer] += second;
        }
    }

    /** The recall of one layer since the start. */
    public synchronized Recall layer(int layer) {
        return new Recall(chosen[layer], withinK[layer], within2K[layer]);
    }

    /** The recall of all layers together since the start. */
    public synchronized Recall total() {
        long allChosen = 0;
        long allWithinK = 0;
        long allWithin2K = 0;
        for (int layer = 0; layer < chosen.length; layer++) {
            allChosen += chosen[layer];
            allWithinK += withinK[layer];
            allWithin2K += within2K[layer];
        }
        return new Recall(allChosen, allWithinK, allWithin2K);
    }

    /** How many experts the prediction puts before this one; a NaN is put last. */
    private int rank(float[] logits, int from, int expert) {
        float mine = logits[from + expert];
        if (Float.isNaN(mine)) {
            return experts;
        }
        int before = 0;
        for (int other = 0; other < experts; other++) {
            float theirs = logits[from + other];
            if (theirs > mine || (theirs == mine && other < expert)) {
                before++;
            }
        }
        return before;
    }
}
