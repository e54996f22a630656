package io.greenroom.cache.heat;

import io.greenroom.cache.ExpertId;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

/**
 * How much each expert of a model has lately been in demand.
 *
 * <pre>
 * DEFINITION  heat(l, i) = sum over tokens t of d^age(t) * [expert i is among those chosen for t]
 *             tokens(l)  = sum over tokens t of d^age(t)               d = 2^(-1 / half-life)
 *             share(l, i) = heat(l, i) / tokens(l)                     from 0 to 1
 * </pre>
 *
 * <p>A share is the part of recent tokens that a layer's router sent to the expert, so shares of
 * different layers compare: the experts with the largest ones are those that save most reads. It is
 * the importance of Kong et al., "SwapMoE: Serving Off-the-shelf MoE-based Large Language Models
 * with Tunable Memory Budget" (arXiv 2308.15030) with every choice weighing the same: what a new
 * replica saves by having an expert is a read, whatever the expert would have added to the sum.
 *
 * <p>Immutable.
 */
public final class Heat {

    private final int layers;
    private final int experts;
    private final double tokens;
    private final float[] shares; // [layers * experts]

    /**
     * @param layers layers of the model, those without experts included
     * @param experts experts of each layer
     * @param tokens how much it rests on: the decayed number of tokens, at least 0
     * @param shares {@code [layers, experts]} row-major, each from 0 to 1; copied
     * @throws IllegalArgumentException if anything of this is not so
     */
    public Heat(int layers, int experts, double tokens, float[] shares) {
        if (layers < 1 || experts < 1 || (long) layers * experts != shares.length) {
            throw new IllegalArgumentException(
                    shares.length
                            + " shares cannot be those of "
                            + layers
                            + " layers of "
                            + experts
                            + " experts");
        }
        if (!(tokens >= 0 && tokens < Double.POSITIVE_INFINITY)) {
            throw new IllegalArgumentException(
                    "Heat of " + tokens + " tokens; expected a number of at least 0");
        }
        for (int at = 0; at < shares.length; at++) {
            if (!(shares[at] >= 0 && shares[at] <= 1)) {
                throw new IllegalArgumentException(
                        "Expert "
                                + new ExpertId(at / experts, at % experts)
                                + " has a share of "
                                + shares[at]
                                + " of the tokens; expected 0 to 1");
            }
        }
        this.layers = layers;
        this.experts = experts;
        this.tokens = tokens;
        this.shares = shares.clone();
    }

    public int layers() {
        return layers;
    }

    /** Experts of each layer. */
    public int experts() {
        return experts;
    }

    /** The decayed number of tokens this rests on. */
    public double tokens() {
        return tokens;
    }

    /** Part of recent tokens that were sent to an expert. */
    public float share(int layer, int expert) {
        if (layer < 0 || layer >= layers || expert < 0 || expert >= experts) {
            throw new IndexOutOfBoundsException(
                    "There is no expert "
                            + expert
                            + " of layer "
                            + layer
                            + " in heat of "
                            + layers
                            + " layers of "
                            + experts
                            + " experts");
        }
        return shares[layer * experts + expert];
    }

    /** The shares of a layer, {@code [experts]}; a copy. */
    public float[] shares(int layer) {
        var unused = share(layer, 0);
        return Arrays.copyOfRange(shares, layer * experts, (layer + 1) * experts);
    }

    /** Whether it is of a model with these many layers and experts. */
    public boolean fits(int modelLayers, int modelExperts) {
        return layers == modelLayers && experts == modelExperts;
    }

    /**
     * The experts to have in memory if there is room for so many, hottest first; of equally hot
     * ones those of earlier layers. Experts that no token was sent to are not among them.
     */
    public List<ExpertId> hottest(int most) {
        int[] ranked = ranked(most);
        List<ExpertId> ids = new ArrayList<>(ranked.length);
        for (int at : ranked) {
            ids.add(new ExpertId(at / experts, at % experts));
        }
        return ids;
    }

    private int[] ranked(int most) {
        return IntStream.range(0, shares.length)
                .filter(at -> shares[at] > 0)
                .boxed()
                .sorted(
                        (a, b) ->
                                shares[a] == shares[b]
                                        ? Integer.compare(a, b)
                                        : Float.compare(shares[b], shares[a]))
                .limit(Math.max(0, most))
                .mapToInt(Integer::intValue)
                .toArray();
    }

    /**
     * What one would lose by going by an earlier record: the part of the demand that the hottest
     * experts of now would meet and the hottest of then do not, both as many as there are slots.
     * Two experts that are equally hot may change places without being noticed, however close they
     * are to the last slot.
     *
     * @return from 0, as good as now, to 1, all lost; 0 if nothing is hot now
     * @throws IllegalArgumentException if the other is of another shape
     */
    public double staleness(Heat earlier, int slots) {
        checkSameShape(earlier);
        double best = met(ranked(slots));
        return best == 0 ? 0 : Math.max(0, 1 - met(earlier.ranked(slots)) / best);
    }

    private double met(int[] residents) {
        double sum = 0;
        for (int at : residents) {
            sum += shares[at];
        }
        return sum;
    }

    /**
     * The heat of two replicas together: each counts by the tokens it rests on.
     *
     * @throws IllegalArgumentException if the other is of another shape
     */
    public Heat plus(Heat other) {
        checkSameShape(other);
        double all = tokens + other.tokens;
        if (all == 0) {
            return this;
        }
        float[] merged = new float[shares.length];
        for (int at = 0; at < merged.length; at++) {
            double sum = shares[at] * tokens + other.shares[at] * other.tokens;
            merged[at] = (float) Math.min(1, sum / all);
        }
        return new Heat(layers, experts, all, merged);
    }

    private void checkSameShape(Heat other) {
        if (!other.fits(layers, experts)) {
            throw new IllegalArgumentException(
                    "Heat of "
                            + layers
                            + "x"
                            + experts
                            + " and of "
                            + other.layers
                            + "x"
                            + other.experts
                            + " experts is not of the same model");
        }
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Heat heat
                && heat.layers == layers
                && heat.experts == experts
                && heat.tokens == tokens
                && Arrays.equals(heat.shares, shares);
    }

    @Override
    public int hashCode() {
        return 31 * Double.hashCode(tokens) + Arrays.hashCode(shares);
    }

    @Override
    public String toString() {
        return "heat of " + layers + "x" + experts + " experts after " + tokens + " tokens";
    }
}
