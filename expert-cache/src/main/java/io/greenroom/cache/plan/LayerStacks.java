package io.greenroom.cache.plan;

/**
 * Recency stacks of all layers, with counts of the depths at which experts were found. Counts can
 * fade, so that they follow the present. Not thread-safe.
 */
final class LayerStacks {

    private final RecencyStack[] stacks; // [layers]
    private final double[][] depths; // [layers][experts]
    private final double[] firsts; // [layers] visits of experts never seen before
    private final double[] uncounted; // [experts] where depths go that nobody asks for
    private final int experts;
    private double tokens;

    LayerStacks(int layers, int experts) {
        this.experts = experts;
        stacks = new RecencyStack[layers];
        depths = new double[layers][experts];
        firsts = new double[layers];
        uncounted = new double[experts];
        for (int layer = 0; layer < layers; layer++) {
            stacks[layer] = new RecencyStack(experts);
        }
    }

    /**
     * @param counts whether the visit's misses show in the curve
     */
    void visit(int layer, int[] wanted, boolean counts) {
        int first = stacks[layer].visit(wanted, counts ? depths[layer] : uncounted);
        if (counts) {
            firsts[layer] += first;
        }
    }

    /** Tokens that the visits counted since were for. */
    void tokens(int count) {
        tokens += count;
    }

    /** Multiplies what was counted so far. */
    void fade(double factor) {
        for (int layer = 0; layer < depths.length; layer++) {
            for (int depth = 0; depth < experts; depth++) {
                depths[layer][depth] *= factor;
            }
            firsts[layer] *= factor;
        }
        tokens *= factor;
    }

    /** Misses per token of one layer. */
    MissCurve curve(int layer) {
        double[] misses = new double[experts + 1];
        double deeper = firsts[layer];
        for (int slots = experts; slots >= 0; slots--) {
            misses[slots] = tokens == 0 ? 0 : deeper / tokens;
            deeper += slots == 0 ? 0 : depths[layer][slots - 1];
        }
        return MissCurve.of(misses);
    }
}
