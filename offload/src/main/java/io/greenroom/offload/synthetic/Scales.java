package io.greenroom.offload.synthetic;

import io.greenroom.gating.Softmax;
import io.greenroom.gating.TopK;
import io.greenroom.offload.store.ModelSpec.Family;

/**
 * How large a synthetic model's weights must be for its activations to behave.
 *
 * <pre>
 * DEFINITION  x_0 has rms 1 (the embedding)
 *             each half-layer adds something random of rms  R_l * sqrt((1 / S^2 - 1) / 2)
 *             so between gates the stream turns by cosine S, and R_l+1 = R_l / S
 *             router logits:  b_e + 1.28 n,  n normal
 * </pre>
 *
 * <p>1.28 is the deviation of a Gumbel variable: with b_e = -Z log(rank) the k largest logits are
 * close to k draws without replacement from rank^-Z (Yellott's theorem), whatever the width.
 *
 * <p>b_e needs a constant in the gate input. Element 0 of the residual stream is that constant: the
 * embedding sets it, attention and output do not see it (their norms' weight is 0 there), nothing
 * adds to it (row 0 of what writes to the stream is 0), and the norm before the router undoes the
 * stream's growth.
 */
final class Scales {

    /** Deviation of attention scores: sharp enough that a few positions make up the result. */
    static final double SCORE_DEVIATION = 3;

    /** Deviation of router logits about their bias. */
    static final double LOGIT_DEVIATION = 1.28;

    /** Norm weights differ from 1, and between layers, by this. */
    static final double NORM_DEVIATION = 0.1;

    /** Rms of an attention output whose values have rms 1, measured at such scores. */
    private static final double ATTENDED = 0.7;

    /** Rms of silu(a) * b for normal a and b. */
    private static final double GATED = 0.596;

    /** A shared expert's gate is a sigmoid of a normal number; its rms. */
    private static final double SHARED_GATE = 0.54;

    private static final int SAMPLES = 2000;

    private final Recipe recipe;
    private final double turn; // what a half-layer adds, as a share of the stream
    private final double mixing; // rms of a sum of experts of rms 1

    Scales(Recipe recipe) {
        this.recipe = recipe;
        double s = recipe.similarity();
        this.turn = Math.sqrt((1 / (s * s) - 1) / 2);
        this.mixing = mixing(recipe);
    }

    /** Deviation of a matrix that keeps an input of rms 1 at rms 1. */
    static double unit(int cols) {
        return 1 / Math.sqrt(cols);
    }

    /** Deviation of the attention output projection. */
    double attentionOutput(int layer) {
        Geometry g = recipe.geometry();
        return added(layer) / ATTENDED * unit(g.heads() * g.headDim());
    }

    /** Deviation of the experts' down projection. */
    double expertDown(int layer) {
        double all = mixing;
        if (recipe.geometry().sharedWidth() > 0) {
            all = Math.hypot(mixing, SHARED_GATE);
        }
        return added(layer) / all / GATED * unit(recipe.geometry().expertWidth());
    }

    /** Deviation of the shared expert's down projection. */
    double sharedDown(int layer) {
        Geometry g = recipe.geometry();
        return expertDown(layer) * Math.sqrt((double) g.expertWidth() / g.sharedWidth());
    }

    /** Rms of the residual stream at the gate of a layer. */
    double streamRms(int layer) {
        return Math.sqrt(1 + turn * turn) * Math.pow(recipe.similarity(), -layer);
    }

    /** Router bias of the expert of a rank, from 0 up. */
    double bias(int rank) {
        return -recipe.skew() * Math.log(rank + 1.0);
    }

    private double added(int layer) {
        return turn * Math.pow(recipe.similarity(), -layer);
    }

    /** The rms of sum over the chosen of w E, for independent E of rms 1, by trying. */
    private static double mixing(Recipe recipe) {
        Geometry g = recipe.geometry();
        SplitMix random = new SplitMix(SplitMix.seedOf(recipe.seed(), "mixing"));
        float[] logits = new float[g.experts()];
        float[] probabilities = new float[g.experts()];
        int[] chosen = new int[g.expertsPerToken()];
        float[] weights = new float[g.expertsPerToken()];
        double sum = 0;
        for (int sample = 0; sample < SAMPLES; sample++) {
            for (int e = 0; e < logits.length; e++) {
                double bias = -recipe.skew() * Math.log(e + 1.0);
                logits[e] = (float) (bias + LOGIT_DEVIATION * random.nextNormal());
            }
            Softmax.probabilities(logits, 0, logits.length, probabilities);
            TopK.select(probabilities, logits.length, chosen.length, chosen, weights, 0);
            sum += squares(weights, normalizes(g.family()));
        }
        return Math.sqrt(sum / SAMPLES);
    }

    private static double squares(float[] weights, boolean normalize) {
        double squares = 0;
        double total = 0;
        for (float weight : weights) {
            squares += (double) weight * weight;
            total += weight;
        }
        return normalize ? squares / (total * total) : squares;
    }

    /** Whether the family's chosen weights are scaled to sum to 1. */
    private static boolean normalizes(Family family) {
        return family == Family.QWEN3_MOE || family == Family.MIXTRAL;
    }
}
