package io.greenroom.gating.predict;

/**
 * Remembers what layers chose when they last read each token (word piece), to favour those experts
 * when the token comes again. The first layers see little but the token, so they mostly choose
 * again what they chose before. Not thread-safe.
 *
 * <pre>
 * DEFINITION  favoured[e] = logit[e] + c * deviation(logits)  if the layer chose e for the token before
 * </pre>
 *
 * <p>Takes 2 bytes per token of the vocabulary, layer remembered and expert chosen, once a layer
 * has been told anything: 0.8 MiB per layer for OLMoE's 50304 tokens and 8 experts.
 */
public final class TokenMemory {

    /** Enough deviations to put what was chosen before first, whatever the guess. */
    public static final double FIRST = 2.5;

    /** Deviations that settle only what the guess leaves open. */
    public static final double UNDECIDED = 0.25;

    private final int vocabulary;
    private final int k;
    private final char[][] chosen; // [layers][vocabulary * k], expert + 1; 0 for unknown

    /**
     * @param layers layers to remember, from the first on; of others nothing is known
     * @param vocabulary tokens there are
     * @param k experts chosen for a token
     */
    public TokenMemory(int layers, int vocabulary, int k) {
        this.vocabulary = vocabulary;
        this.k = k;
        this.chosen = new char[layers][0];
    }

    /**
     * A layer has chosen for a token.
     *
     * @param experts ids below 65535; those of the token begin at {@code from}
     */
    public void learn(int layer, int token, int[] experts, int from) {
        if (layer >= chosen.length) {
            return;
        }
        if (chosen[layer].length == 0) {
            chosen[layer] = new char[Math.multiplyExact(vocabulary, k)];
        }
        for (int rank = 0; rank < k; rank++) {
            chosen[layer][token * k + rank] = (char) (experts[from + rank] + 1);
        }
    }

    /** Whether a layer is known to have read a token. */
    public boolean knows(int layer, int token) {
        return layer < chosen.length && chosen[layer].length > 0 && chosen[layer][token * k] != 0;
    }

    /**
     * How many of the experts that a layer chose for a token it had chosen for it before.
     *
     * @param experts those of the token begin at {@code from}
     */
    public int repeated(int layer, int token, int[] experts, int from) {
        int repeated = 0;
        if (knows(layer, token)) {
            for (int rank = 0; rank < k; rank++) {
                for (int before = 0; before < k; before++) {
                    boolean same = chosen[layer][token * k + before] - 1 == experts[from + rank];
                    repeated += same ? 1 : 0;
                }
            }
        }
        return repeated;
    }

    /**
     * Raises the logits of what a layer chose for a token before; leaves them alone if it never
     * read it.
     *
     * @param logits the token's begin at {@code from}
     * @param experts experts per layer
     * @param deviations {@code c}: {@link #FIRST} or {@link #UNDECIDED}, or any other
     */
    public void favour(
            int layer, int token, float[] logits, int from, int experts, double deviations) {
        if (!knows(layer, token)) {
            return;
        }
        double sum = 0;
        double squares = 0;
        for (int e = 0; e < experts; e++) {
            sum += logits[from + e];
            squares += (double) logits[from + e] * logits[from + e];
        }
        double mean = sum / experts;
        double deviation = Math.sqrt(Math.max(0, squares / experts - mean * mean));
        float more = (float) (deviations * deviation);
        for (int rank = 0; rank < k; rank++) {
            logits[from + chosen[layer][token * k + rank] - 1] += more;
        }
    }
}
