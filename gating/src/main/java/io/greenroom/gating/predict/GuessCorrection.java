package io.greenroom.gating.predict;

import io.greenroom.gating.RoutingDecision;
import java.util.Arrays;

/**
 * Puts guesses at router logits right, from how earlier guesses compared with what the routers then
 * said: the mean error of each layer's logits is taken off ({@link LogitDrift}), and in the first
 * layer, which is foreseen from little more than the token, what it chose when it last read the
 * same token is favoured ({@link TokenMemory}). Used by one thread.
 */
public final class GuessCorrection {

    /** Layers that are remembered by token; in later ones it was measured to bring nothing. */
    private static final int REMEMBERED = 1;

    private final int experts;
    private final LogitDrift[] drifts; // [layers]
    private final TokenMemory memory;
    private float[] guess = {}; // [rows, experts], before correction
    private int guessedLayer = -1;
    private int guessedRows;

    /**
     * @param layers layers of the model
     * @param experts experts per layer
     * @param expertsPerToken experts a router chooses
     * @param vocabulary tokens there are
     */
    public GuessCorrection(int layers, int experts, int expertsPerToken, int vocabulary) {
        this.experts = experts;
        this.drifts = new LogitDrift[layers];
        Arrays.setAll(drifts, layer -> new LogitDrift(experts));
        this.memory = new TokenMemory(REMEMBERED, vocabulary, expertsPerToken);
    }

    /**
     * Corrects a guess for one layer.
     *
     * @param logits {@code [rows, experts]} row-major
     * @param tokens the rows' tokens
     */
    public void correct(int layer, float[] logits, int rows, int[] tokens) {
        if (guess.length < rows * experts) {
            guess = new float[rows * experts];
        }
        System.arraycopy(logits, 0, guess, 0, rows * experts);
        guessedLayer = layer;
        guessedRows = rows;
        for (int row = 0; row < rows; row++) {
            drifts[layer].correct(logits, row * experts);
            memory.favour(layer, tokens[row], logits, row * experts, experts);
        }
    }

    /**
     * A layer's router has spoken.
     *
     * @param logits {@code [rows, experts]} row-major, the router's own
     * @param tokens the rows' tokens
     */
    public void learn(int layer, float[] logits, RoutingDecision decision, int[] tokens) {
        int rows = decision.tokens();
        if (guessedLayer == layer && guessedRows == rows) {
            for (int row = 0; row < rows; row++) {
                drifts[layer].learn(guess, logits, row * experts);
            }
        }
        guessedLayer = -1;
        for (int row = 0; row < rows; row++) {
            memory.learn(layer, tokens[row], decision.experts(), row * decision.expertsPerToken());
        }
    }
}
