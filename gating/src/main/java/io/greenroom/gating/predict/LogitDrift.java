package io.greenroom.gating.predict;

/**
 * Learns by how much a prediction of router logits is off on average, expert by expert, and
 * corrects the next ones: what the layers between always add to the residual stream shows as a
 * constant error of the logits, so this does the work of a calibration run while requests are
 * served. Not thread-safe.
 *
 * <pre>
 * DEFINITION  d += (actual - predicted - d) / min(n, N)       after the n-th comparison
 *             corrected = predicted + d
 * </pre>
 */
public final class LogitDrift {

    /** Comparisons averaged over. */
    static final int WINDOW = 256;

    private final float[] drift; // [experts]
    private int compared;

    public LogitDrift(int experts) {
        drift = new float[experts];
    }

    /**
     * Adds what is known to predicted logits.
     *
     * @param logits one token's begin at {@code from}
     */
    public void correct(float[] logits, int from) {
        for (int e = 0; e < drift.length; e++) {
            logits[from + e] += drift[e];
        }
    }

    /**
     * Learns from one token. Logits that are not finite teach nothing.
     *
     * @param predicted before any correction; the token's begin at {@code from}
     * @param actual the router's own, likewise
     */
    public void learn(float[] predicted, float[] actual, int from) {
        for (int e = 0; e < drift.length; e++) {
            if (!Float.isFinite(actual[from + e] - predicted[from + e])) {
                return;
            }
        }
        compared = Math.min(compared + 1, WINDOW);
        for (int e = 0; e < drift.length; e++) {
            drift[e] += (actual[from + e] - predicted[from + e] - drift[e]) / compared;
        }
    }
}
