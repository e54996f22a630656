package io.greenroom.cache.plan;

/**
 * What share of the experts visited a cache would find, as a function of its slots.
 *
 * <p>Known at some sizes. Between them it has the shape of LRU in equal shares for every layer,
 * which is known at every size and has no cliffs, shifted so that it goes through the known points.
 * Never falls with more slots. Immutable.
 */
public final class MissRatioCurve {

    private final int[] sizes; // rising, from 0 to all experts
    private final double[] hits; // [sizes] hit rates there
    private final MissCurve shape; // of a layer, in misses per visited expert
    private final int layers; // that have experts
    private final double visitedPerToken;
    private final double tokens;

    /**
     * @param sizes numbers of slots, rising, the first 0 and the last all experts
     * @param hits hit rate at each of them
     * @param shape summed over all layers, misses for each expert visited, by slots of each layer
     * @param layers layers with experts
     * @param visitedPerToken experts visited for each token
     * @param tokens for how many tokens' visits this stands
     */
    MissRatioCurve(
            int[] sizes,
            double[] hits,
            MissCurve shape,
            int layers,
            double visitedPerToken,
            double tokens) {
        this.sizes = sizes.clone();
        this.hits = hits.clone();
        for (int i = 1; i < hits.length; i++) {
            this.hits[i] = Math.max(this.hits[i - 1], hits[i]);
        }
        this.shape = shape;
        this.layers = layers;
        this.visitedPerToken = visitedPerToken;
        this.tokens = tokens;
    }

    /** Slots that would hold all experts. */
    public int totalSlots() {
        return sizes[sizes.length - 1];
    }

    /**
     * Share of visited experts that would be resident, from 0 to 1.
     *
     * @param slots at least 0; more than there are experts count as all
     */
    public double hitRate(int slots) {
        int above = 1;
        while (above < sizes.length - 1 && sizes[above] < slots) {
            above++;
        }
        int from = sizes[above - 1];
        int to = sizes[above];
        int at = Math.min(slots, to);
        double share = (double) (at - from) / (to - from);
        double shift =
                (1 - share) * (hits[above - 1] - shapeAt(from))
                        + share * (hits[above] - shapeAt(to));
        return Math.max(hits[above - 1], Math.min(hits[above], shapeAt(at) + shift));
    }

    /** Experts that would have to be read for each token. */
    public double missesPerToken(int slots) {
        return (1 - hitRate(slots)) * visitedPerToken;
    }

    /** Experts visited for each token, on average. */
    public double visitedPerToken() {
        return visitedPerToken;
    }

    /** For how many tokens' visits this stands: few tokens are a weak witness. */
    public double tokens() {
        return tokens;
    }

    private double shapeAt(int slots) {
        return 1 - shape.between((double) slots / layers);
    }
}
