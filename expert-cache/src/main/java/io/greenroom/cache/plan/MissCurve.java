package io.greenroom.cache.plan;

import java.util.Arrays;

/**
 * Expected misses of one layer, for each token, as a function of the slots the layer has.
 *
 * <p>Never rises with more slots: where a policy does worse with more of them (as all but stack
 * algorithms may), the best of the smaller sizes counts, as a slot can be left empty. Immutable.
 */
public final class MissCurve {

    private final double[] misses; // [experts + 1], misses per token with 0 .. experts slots

    private MissCurve(double[] misses) {
        this.misses = misses;
    }

    /**
     * A curve known at every size.
     *
     * @param missesPerToken for 0 slots, 1 slot, and so on up to all experts of the layer; the
     *     first is the experts a token visits
     * @throws IllegalArgumentException if there are fewer than two, or one is negative or no number
     */
    public static MissCurve of(double... missesPerToken) {
        if (missesPerToken.length < 2) {
            throw new IllegalArgumentException(
                    "A miss curve needs values for 0 slots and for at least 1, got "
                            + missesPerToken.length);
        }
        double[] falling = missesPerToken.clone();
        double least = Double.POSITIVE_INFINITY;
        for (int slots = 0; slots < falling.length; slots++) {
            double value = falling[slots];
            if (!(value >= 0 && value < Double.POSITIVE_INFINITY)) {
                throw new IllegalArgumentException(
                        "Misses are finite and at least 0, got "
                                + value
                                + " for "
                                + slots
                                + " slots");
            }
            least = Math.min(least, value);
            falling[slots] = least;
        }
        return new MissCurve(falling);
    }

    /**
     * A curve known at some sizes, with straight lines between them.
     *
     * @param sizes numbers of slots, rising; the first is 0 and the last all experts
     * @param missesPerToken for each of them
     */
    public static MissCurve through(int[] sizes, double[] missesPerToken) {
        int points = sizes.length;
        if (points < 2 || points != missesPerToken.length || sizes[0] != 0) {
            throw new IllegalArgumentException(
                    "A miss curve goes through at least two points, the first at 0 slots; got sizes "
                            + Arrays.toString(sizes)
                            + " and "
                            + missesPerToken.length
                            + " values");
        }
        double[] all = new double[sizes[points - 1] + 1];
        for (int i = 1; i < points; i++) {
            int from = sizes[i - 1];
            int to = sizes[i];
            if (to <= from) {
                throw new IllegalArgumentException(
                        "Sizes must rise, got " + Arrays.toString(sizes));
            }
            for (int slots = from; slots <= to; slots++) {
                double share = (double) (slots - from) / (to - from);
                all[slots] = (1 - share) * missesPerToken[i - 1] + share * missesPerToken[i];
            }
        }
        return of(all);
    }

    /** Experts of the layer: more slots than these bring nothing. */
    public int experts() {
        return misses.length - 1;
    }

    /**
     * Misses per token.
     *
     * @param slots at least 0
     */
    public double misses(int slots) {
        return misses[Math.min(slots, misses.length - 1)];
    }

    /** Misses per token of a layer that has a whole number of slots only on average. */
    double between(double slots) {
        int below = (int) Math.min(slots, misses.length - 1);
        double share = slots - below;
        return share <= 0 ? misses(below) : (1 - share) * misses(below) + share * misses(below + 1);
    }

    /** Experts a token visits, on average over steps: what is missed without a single slot. */
    public double visited() {
        return misses[0];
    }

    /**
     * The largest convex curve below this one. Slots handed out along it one by one, always to the
     * layer that gains most, are handed out best.
     */
    public MissCurve convex() {
        int[] hull = ConvexHull.below(misses);
        double[] values = new double[hull.length];
        for (int i = 0; i < hull.length; i++) {
            values[i] = misses[hull[i]];
        }
        return through(hull, values);
    }

    /** The same curve with every value multiplied by a factor of at least 0. */
    public MissCurve times(double factor) {
        return of(Arrays.stream(misses).map(value -> value * factor).toArray());
    }

    /** A copy of all values, from 0 slots to all experts. */
    public double[] values() {
        return misses.clone();
    }

    @Override
    public String toString() {
        return "MissCurve" + Arrays.toString(misses);
    }
}
