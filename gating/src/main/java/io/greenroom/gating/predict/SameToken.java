package io.greenroom.gating.predict;

import java.util.HashMap;
import java.util.Map;

/**
 * Expects of a layer what it chose when the same token (word piece) was last read, in whatever
 * text; of a token never read before, what is popular. Best for the first layers, which see little
 * but the token.
 */
public final class SameToken implements RoutingForecaster {

    private final int layers;
    private final Popularity popularity;
    private final Map<Integer, int[][]> chosen = new HashMap<>(); // token -> [layers][k]
    private int token = -1;

    /**
     * @param layers layers to remember, from the first on; the others are expected by popularity
     * @param allLayers layers of the model
     * @param experts experts per layer
     */
    public SameToken(int layers, int allLayers, int experts) {
        this.layers = layers;
        this.popularity = new Popularity(allLayers, experts, Double.POSITIVE_INFINITY);
    }

    @Override
    public void tokenBegins(int next) {
        token = next;
    }

    @Override
    public void routed(int layer, int[] experts) {
        popularity.routed(layer, experts);
        if (layer < layers) {
            chosen.computeIfAbsent(token, unseen -> new int[layers][0])[layer] = experts.clone();
        }
    }

    @Override
    public void foresee(int layer, int ahead, float[] scores) {
        popularity.foresee(layer, ahead, scores);
        int[][] last = chosen.get(token);
        if (layer >= layers || last == null) {
            return;
        }
        float most = 0;
        for (float score : scores) {
            most = Math.max(most, score);
        }
        int[] experts = last[layer];
        for (int rank = 0; rank < experts.length; rank++) {
            scores[experts[rank]] = most + experts.length - rank;
        }
    }
}
