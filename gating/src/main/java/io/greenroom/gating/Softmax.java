package io.greenroom.gating;

/**
 * Softmax over one token's router logits, in float32 with the maximum subtracted first, as the
 * families' reference implementations do whatever the type of the weights.
 */
public final class Softmax {

    private Softmax() {}

    /**
     * Computes {@code out[i] = exp(logits[from + i] - max) / sum}.
     *
     * <p>Minus infinity is a logit like others (probability 0) unless all are.
     *
     * @param n number of logits, at least 1
     * @param out {@code [n]} or longer
     * @return -1, or the index below n of a logit that makes the result undefined: the first NaN or
     *     plus infinity, or 0 if all are minus infinity; {@code out} is then unspecified
     */
    public static int probabilities(float[] logits, int from, int n, float[] out) {
        float max = Float.NEGATIVE_INFINITY;
        for (int i = 0; i < n; i++) {
            float logit = logits[from + i];
            if (!(logit < Float.POSITIVE_INFINITY)) {
                return i;
            }
            max = Math.max(max, logit);
        }
        if (max == Float.NEGATIVE_INFINITY) {
            return 0;
        }
        float sum = 0;
        for (int i = 0; i < n; i++) {
            float e = (float) Math.exp(logits[from + i] - max);
            out[i] = e;
            sum += e;
        }
        for (int i = 0; i < n; i++) {
            out[i] /= sum;
        }
        return -1;
    }
}
