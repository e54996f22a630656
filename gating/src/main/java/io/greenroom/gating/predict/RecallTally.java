package io.greenroom.gating.predict;

import java.util.ArrayList;
import java.util.List;

/**
 * How well one predictor foresaw each layer, token by token, and what reading ahead by it would
 * have done at a given residency. Not thread-safe.
 */
public final class RecallTally {

    /**
     * What came of the predictions for one layer. All numbers count experts, summed over tokens.
     *
     * @param tokens tokens
     * @param chosen experts the router chose
     * @param withinK of these, how many stood among the first k of the prediction
     * @param within2K of these, how many stood among the first 2k
     * @param missed of the chosen, how many were not resident when asked for
     * @param missedWithinK of the missed, how many stood among the first k
     * @param missedWithin2K of the missed, how many stood among the first 2k
     * @param aheadAtK experts among the first k that were not resident: what would have been read
     *     ahead at width k
     * @param aheadAt2K experts among the first 2k that were not resident
     */
    public record Layer(
            long tokens,
            long chosen,
            long withinK,
            long within2K,
            long missed,
            long missedWithinK,
            long missedWithin2K,
            long aheadAtK,
            long aheadAt2K) {

        /** Nothing counted. */
        public static final Layer NONE = new Layer(0, 0, 0, 0, 0, 0, 0, 0, 0);

        /** Both together. */
        public Layer plus(Layer other) {
            return new Layer(
                    tokens + other.tokens,
                    chosen + other.chosen,
                    withinK + other.withinK,
                    within2K + other.within2K,
                    missed + other.missed,
                    missedWithinK + other.missedWithinK,
                    missedWithin2K + other.missedWithin2K,
                    aheadAtK + other.aheadAtK,
                    aheadAt2K + other.aheadAt2K);
        }

        /** Share of the chosen experts found at width k; 0 if nothing was recorded. */
        public double recallAtK() {
            return share(withinK, chosen);
        }

        public double recallAt2K() {
            return share(within2K, chosen);
        }

        /** Share of the misses that reading ahead at width k could have spared. */
        public double missRecallAtK() {
            return share(missedWithinK, missed);
        }

        public double missRecallAt2K() {
            return share(missedWithin2K, missed);
        }

        /** Share of what would have been read ahead at width k that nobody wanted. */
        public double wastedAtK() {
            return share(aheadAtK - missedWithinK, aheadAtK);
        }

        public double wastedAt2K() {
            return share(aheadAt2K - missedWithin2K, aheadAt2K);
        }

        private static double share(long part, long whole) {
            return whole == 0 ? 0 : (double) part / whole;
        }
    }

    private final int experts;
    private final Layer[] layers;
    private final int[] rank; // [experts], scratch

    /**
     * @param layers layers of the model
     * @param experts experts per layer
     */
    public RecallTally(int layers, int experts) {
        this.experts = experts;
        this.layers = new Layer[layers];
        java.util.Arrays.fill(this.layers, Layer.NONE);
        this.rank = new int[experts];
    }

    /**
     * Compares what was foreseen for one token with what its router chose.
     *
     * @param scores {@code [experts]}, larger is likelier, ties by lower index; NaN is last
     * @param chosen the router's experts
     * @param resident {@code [experts]}, when the layer asked for them
     */
    public void record(int layer, float[] scores, int[] chosen, boolean[] resident) {
        int k = chosen.length;
        for (int e = 0; e < experts; e++) {
            rank[e] = rank(scores, e);
        }
        int withinK = 0;
        int within2K = 0;
        int missed = 0;
        int missedWithinK = 0;
        int missedWithin2K = 0;
        for (int e : chosen) {
            withinK += rank[e] < k ? 1 : 0;
            within2K += rank[e] < 2 * k ? 1 : 0;
            if (!resident[e]) {
                missed++;
                missedWithinK += rank[e] < k ? 1 : 0;
                missedWithin2K += rank[e] < 2 * k ? 1 : 0;
            }
        }
        int aheadAtK = 0;
        int aheadAt2K = 0;
        for (int e = 0; e < experts; e++) {
            if (!resident[e]) {
                aheadAtK += rank[e] < k ? 1 : 0;
                aheadAt2K += rank[e] < 2 * k ? 1 : 0;
            }
        }
        layers[layer] =
                layers[layer].plus(
                        new Layer(
                                1,
                                k,
                                withinK,
                                within2K,
                                missed,
                                missedWithinK,
                                missedWithin2K,
                                aheadAtK,
                                aheadAt2K));
    }

    /** One entry for each layer of the model; {@link Layer#NONE} where nothing was foreseen. */
    public List<Layer> layers() {
        return List.copyOf(new ArrayList<>(List.of(layers)));
    }

    /** All layers together. */
    public Layer total() {
        Layer total = Layer.NONE;
        for (Layer layer : layers) {
            total = total.plus(layer);
        }
        return total;
    }

    private int rank(float[] scores, int expert) {
        float mine = scores[expert];
        if (Float.isNaN(mine)) {
            return experts;
        }
        int before = 0;
        for (int other = 0; other < experts; other++) {
            if (scores[other] > mine || (scores[other] == mine && other < expert)) {
                before++;
            }
        }
        return before;
    }
}
