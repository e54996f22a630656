package io.greenroom.gating.predict;

import io.greenroom.gating.RoutingDecision;
import java.util.Arrays;

/**
 * Puts guesses at router logits right, from how earlier guesses compared with what the routers then
 * said: the mean error of each layer's logits is taken off ({@link LogitDrift}), and in the first
 * layer, which is foreseen from little more than the token, what it chose when it last read the
 * same token is favoured ({@link TokenMemory}): above all else where that has lately foreseen more
 * than the guess had, otherwise only where the guess leaves it open. Used by one thread.
 */
public final class GuessCorrection {

    /** Layers that are remembered by token; in later ones it was measured to bring nothing. */
    private static final int REMEMBERED = 1;

    private static final double SMOOTHING = 1.0 / 64;

    private final int experts;
    private final LogitDrift[] drifts; // [layers]
    private final TokenMemory memory;
    private float[] guess = {}; // [rows, experts], before correction
    private int guessedLayer = -1;
    private int guessedRows;
    private double advantage; // experts of a token that memory found and the guess did not, lately

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
            memory.favour(layer, tokens[row], logits, row * experts, experts, strength());
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
                compare(layer, tokens[row], decision, row);
            }
        }
        guessedLayer = -1;
        for (int row = 0; row < rows; row++) {
            memory.learn(layer, tokens[row], decision.experts(), row * decision.expertsPerToken());
        }
    }

    private double strength() {
        return advantage > 0 ? TokenMemory.FIRST : TokenMemory.UNDECIDED;
    }

    /** Who foresaw more of a token that memory knows. */
    private void compare(int layer, int token, RoutingDecision decision, int row) {
        if (!memory.knows(layer, token)) {
            return;
        }
        int k = decision.expertsPerToken();
        int found = memory.repeated(layer, token, decision.experts(), row * k);
        for (int rank = 0; rank < k; rank++) {
            found -= before(row * experts, decision.expert(row, rank)) < k ? 1 : 0;
        }
        advantage += SMOOTHING * (found - advantage);
    }

    /** How many experts the guess puts before this one. */
    private int before(int from, int expert) {
        int before = 0;
        for (int other = 0; other < experts; other++) {
            before += guess[from + other] > guess[from + expert] ? 1 : 0;
        }
        return before;
    }
}
