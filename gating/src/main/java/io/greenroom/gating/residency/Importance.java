package io.greenroom.gating.residency;

import io.greenroom.gating.Softmax;
import java.util.Arrays;

/**
 * How much each expert has lately mattered, whether it was in memory or not (Kong et al., "SwapMoE:
 * Serving Off-the-shelf MoE-based Large Language Models with Tunable Memory Budget", arXiv
 * 2308.15030).
 *
 * <pre>
 * DEFINITION  importance(l, i) = norm(E[l,i]) * sum over tokens t of d^age(t) * norm(x[t]) * p[t,i]
 *             x[t]   the layer's gate input of token t          p[t] softmax of its router logits
 *             E[l,i] the expert's matrices                      d    2^(-1 / half-life)
 * </pre>
 *
 * <p>An upper bound, up to a constant, of what the expert's outputs would have added to the
 * residual stream. {@code p} is the router's own, before any preference: an expert that is away is
 * missed all the same. An expert whose norm nobody has measured yet counts with the mean of its
 * layer's known ones.
 *
 * <p>Used by one thread.
 */
public final class Importance {

    private final int experts;
    private final double decay;
    private final double[][] sums; // [layers][experts]
    private final float[][] norms; // [layers][experts], 0 where not known
    private final double[] normSums; // [layers], of the known ones
    private final int[] normCounts; // [layers]
    private final float[] probabilities; // [experts]

    /**
     * @param halfLifeTokens after how many tokens one counts half
     */
    public Importance(int layers, int experts, double halfLifeTokens) {
        if (!(halfLifeTokens > 0)) {
            throw new IllegalArgumentException(
                    "A half-life of " + halfLifeTokens + " tokens; expected more than 0");
        }
        this.experts = experts;
        this.decay = Math.pow(2, -1 / halfLifeTokens);
        this.sums = new double[layers][experts];
        this.norms = new float[layers][experts];
        this.normSums = new double[layers];
        this.normCounts = new int[layers];
        this.probabilities = new float[experts];
    }

    /**
     * Adds one token. One whose logits are not numbers is left out.
     *
     * @param logits of a batch, {@code [tokens, experts]} row-major, as the router made them
     * @param token its row
     * @param inputNorm Euclidean norm of its gate input
     */
    public void observe(int layer, float[] logits, int token, float inputNorm) {
        if (!(inputNorm < Float.POSITIVE_INFINITY)
                || Softmax.probabilities(logits, token * experts, experts, probabilities) >= 0) {
            return;
        }
        double[] sum = sums[layer];
        for (int expert = 0; expert < experts; expert++) {
            sum[expert] = sum[expert] * decay + (double) inputNorm * probabilities[expert];
        }
    }

    /** Whether an expert's norm is known. */
    public boolean knowsNorm(int layer, int expert) {
        return norms[layer][expert] > 0;
    }

    /**
     * Notes the norm of an expert's matrices, once.
     *
     * @param norm above 0; anything else is ignored
     */
    public void norm(int layer, int expert, float norm) {
        if (norm > 0 && norm < Float.POSITIVE_INFINITY && norms[layer][expert] == 0) {
            norms[layer][expert] = norm;
            normSums[layer] += norm;
            normCounts[layer]++;
        }
    }

    /**
     * Copies out how the importance of a layer is divided among its experts.
     *
     * @param shares {@code [experts]}, filled with numbers that add up to 1, or with zeros before
     *     the first token
     */
    public void shares(int layer, double[] shares) {
        double mean = normCounts[layer] == 0 ? 1 : normSums[layer] / normCounts[layer];
        double total = 0;
        for (int expert = 0; expert < experts; expert++) {
            float known = norms[layer][expert];
            shares[expert] = sums[layer][expert] * (known > 0 ? known : mean);
            total += shares[expert];
        }
        if (total == 0) {
            Arrays.fill(shares, 0, experts, 0);
            return;
        }
        for (int expert = 0; expert < experts; expert++) {
            shares[expert] /= total;
        }
    }
}
