package io.greenroom.cache.heat;

import io.greenroom.cache.usage.ExpertCounter;
import io.greenroom.cache.usage.UsageSnapshot;

/**
 * Forms {@link Heat} from what experts were used for, interval by interval. The tokens of an
 * interval count as if they had come evenly spread over it.
 *
 * <p>Used by one thread at a time.
 */
public final class HeatMeter {

    /**
     * After how many tokens, of prompts and answers, one counts half: long enough to know the rare
     * experts, short enough to forget the traffic of hours ago.
     */
    public static final double HALF_LIFE_TOKENS = 16_384;

    private final int layers;
    private final int experts;
    private final int expertsPerToken;
    private final double halfLife;
    private final double[] sums; // [layers * experts]
    private final double[] tokens; // [layers]

    /**
     * @param expertsPerToken experts that each token is sent to in a layer
     * @param halfLifeTokens after how many tokens one counts half
     */
    public HeatMeter(int layers, int experts, int expertsPerToken, double halfLifeTokens) {
        if (expertsPerToken < 1 || expertsPerToken > experts || !(halfLifeTokens > 0)) {
            throw new IllegalArgumentException(
                    "Cannot measure heat with "
                            + expertsPerToken
                            + " of "
                            + experts
                            + " experts per token and a half-life of "
                            + halfLifeTokens
                            + " tokens");
        }
        this.layers = layers;
        this.experts = experts;
        this.expertsPerToken = expertsPerToken;
        this.halfLife = halfLifeTokens;
        this.sums = new double[Math.multiplyExact(layers, experts)];
        this.tokens = new double[layers];
    }

    /**
     * Goes on from what was known before, whoever measured it.
     *
     * @throws IllegalArgumentException if it is of another shape
     */
    public void begin(Heat known) {
        if (!known.fits(layers, experts)) {
            throw new IllegalArgumentException(
                    known + " cannot be gone on from in a model of " + layers + "x" + experts);
        }
        for (int layer = 0; layer < layers; layer++) {
            tokens[layer] = known.tokens();
            for (int expert = 0; expert < experts; expert++) {
                sums[layer * experts + expert] = known.share(layer, expert) * known.tokens();
            }
        }
    }

    /** Adds what all layers' counters grew by. */
    public void add(UsageSnapshot grown) {
        long[] routed = new long[experts];
        for (int layer = 0; layer < layers; layer++) {
            for (int expert = 0; expert < experts; expert++) {
                routed[expert] = grown.get(ExpertCounter.ROUTED, layer, expert);
            }
            add(layer, routed);
        }
    }

    /**
     * Adds what one layer's router chose in an interval.
     *
     * @param routed tokens sent to each expert, {@code [experts]}, each at least 0
     */
    public void add(int layer, long[] routed) {
        double selections = 0;
        for (int expert = 0; expert < experts; expert++) {
            selections += routed[expert];
        }
        if (selections == 0) {
            return;
        }
        double more = selections / expertsPerToken;
        double decay = Math.pow(2, -more / halfLife);
        double weight = (1 - decay) * halfLife / (more * Math.log(2)); // mean over the interval
        tokens[layer] = tokens[layer] * decay + more * weight;
        for (int expert = 0; expert < experts; expert++) {
            int at = layer * experts + expert;
            sums[at] = sums[at] * decay + routed[expert] * weight;
        }
    }

    /** The heat now. */
    public Heat heat() {
        float[] shares = new float[sums.length];
        double most = 0;
        for (int at = 0; at < shares.length; at++) {
            double of = tokens[at / experts];
            shares[at] = of == 0 ? 0 : (float) Math.min(1, sums[at] / of);
            most = Math.max(most, of);
        }
        return new Heat(layers, experts, most, shares);
    }
}
