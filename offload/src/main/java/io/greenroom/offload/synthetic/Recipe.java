package io.greenroom.offload.synthetic;

import io.greenroom.offload.kernel.TensorType;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * What a synthetic model is made from; the same recipe makes the same bytes.
 *
 * @param geometry its sizes
 * @param type of all matrices, except that the output projection of a Q4_0 model is Q8_0 and
 *     routers are F32
 * @param seed of all weights
 * @param skew exponent Z of the routing: the expert of rank r is chosen about in proportion to
 *     r^-Z, with another ranking in each layer; 0 for even routing
 * @param similarity cosine of the residual stream before consecutive gates, in (0, 1): the lower,
 *     the less a layer's gate input says about the next layer's
 */
public record Recipe(
        Geometry geometry, TensorType type, long seed, double skew, double similarity) {

    /** The residual stream may grow so much from first layer to last. */
    private static final double MOST_GROWTH = 1e4;

    private static final double MOST_SKEW = 4;

    /**
     * @throws IllegalArgumentException naming everything that is out of range
     */
    public Recipe {
        List<String> problems = new ArrayList<>(geometry.problems(type));
        if (!(skew >= 0 && skew <= MOST_SKEW)) {
            problems.add("skew is " + skew + "; expected 0 (even routing) to 4");
        }
        if (!(similarity > 0 && similarity < 1)) {
            problems.add("similarity is " + similarity + "; expected more than 0 and less than 1");
        } else if (growth(geometry, similarity) > MOST_GROWTH) {
            problems.add(
                    String.format(
                            Locale.ROOT,
                            "similarity is %s: over %d layers the residual stream would grow"
                                    + " %.0f-fold; at most %.0f-fold keeps numbers sane, which"
                                    + " takes a similarity of %.3f or more",
                            similarity,
                            geometry.layers(),
                            growth(geometry, similarity),
                            MOST_GROWTH,
                            Math.ceil(1000 * Math.pow(MOST_GROWTH, -1.0 / geometry.layers()))
                                    / 1000));
        }
        if (!problems.isEmpty()) {
            throw new IllegalArgumentException(
                    "Cannot make this model: " + String.join("; ", problems));
        }
    }

    private static double growth(Geometry geometry, double similarity) {
        return Math.pow(similarity, -geometry.layers());
    }
}
