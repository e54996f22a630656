package io.greenroom.gating.predict;

import java.util.Arrays;

/**
 * Expects of a layer what usually follows the experts chosen some layers before it, by a table of
 * how often expert b of a layer was chosen by tokens that had chosen expert a before.
 *
 * <pre>
 * DEFINITION  P(b | a) = (n[a, b] + c * q[b]) / (n[a] + c)       q[b]: share of tokens choosing b
 *             score[b] = sum over a chosen before of P(b | a)
 * </pre>
 *
 * <p>The walk is taken as a circle: what precedes the first layer is the last layer's choice for
 * the token before, so the first layer is foreseen too. One table for one distance; a table for
 * another distance is another object.
 */
public final class TransitionTable implements RoutingForecaster {

    /** As much as so many tokens count what is known without the table. */
    private static final float PRIOR = 4;

    private final int distance;
    private final float[][][] counts; // [layers][from][to]
    private final float[][] seen; // [layers][from]
    private final float[][] popular; // [layers][to]
    private final float[] tokens; // [layers]
    private final int[][] chosen; // [layers][k], empty if not known in this text

    /**
     * @param layers layers of the model
     * @param experts experts per layer
     * @param distance how many layers before it the choice is that a layer is foreseen from
     */
    public TransitionTable(int layers, int experts, int distance) {
        if (distance < 1 || distance > layers) {
            throw new IllegalArgumentException(
                    "A table spans 1 to " + layers + " layers, got " + distance);
        }
        this.distance = distance;
        counts = new float[layers][experts][experts];
        seen = new float[layers][experts];
        popular = new float[layers][experts];
        tokens = new float[layers];
        chosen = new int[layers][0];
    }

    @Override
    public void requestBegins() {
        Arrays.fill(chosen, new int[0]);
    }

    @Override
    public void routed(int layer, int[] experts) {
        for (int from : before(layer)) {
            seen[layer][from]++;
            for (int to : experts) {
                counts[layer][from][to]++;
            }
        }
        for (int to : experts) {
            popular[layer][to]++;
        }
        tokens[layer]++;
        chosen[layer] = experts.clone();
    }

    @Override
    public void foresee(int layer, int ahead, float[] scores) {
        float all = Math.max(1, tokens[layer]);
        for (int to = 0; to < scores.length; to++) {
            float prior = popular[layer][to] / all;
            // Nothing known of what came before: what is known without it.
            float score = before(layer).length == 0 ? prior : 0;
            for (int from : before(layer)) {
                score += (counts[layer][from][to] + PRIOR * prior) / (seen[layer][from] + PRIOR);
            }
            scores[to] = score;
        }
    }

    private int[] before(int layer) {
        return chosen[Math.floorMod(layer - distance, chosen.length)];
    }
}
