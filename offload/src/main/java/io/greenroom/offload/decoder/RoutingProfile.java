package io.greenroom.offload.decoder;

import java.util.Arrays;

/**
 * What the routing of one text looked like, layer by layer: how unevenly, how repetitively, and how
 * much the residual stream turned on the way. Not thread-safe.
 */
public final class RoutingProfile {

    /**
     * One layer.
     *
     * @param tokens tokens counted
     * @param skew exponent Z of the power law {@code rank^-Z} nearest to how often experts were
     *     chosen
     * @param topEighth share of all choices that went to the most popular eighth of the experts
     * @param repeated share of a token's experts that the token before had chosen too
     * @param similarity mean cosine between the residual stream before this gate and before the
     *     previous layer's; before the first, between it and the embedding
     */
    public record Layer(
            long tokens, double skew, double topEighth, double repeated, double similarity) {}

    private final long[][] counts; // [layers][experts]
    private final long[] tokens; // [layers]
    private final double[] cosines; // [layers], summed
    private final long[] repeated; // [layers]
    private final long[] repeatable; // [layers]
    private final int[][] last; // [layers][k], of the token before, or empty

    RoutingProfile(int layers, int experts) {
        counts = new long[layers][experts];
        tokens = new long[layers];
        cosines = new double[layers];
        repeated = new long[layers];
        repeatable = new long[layers];
        last = new int[layers][0];
    }

    void textBegins() {
        Arrays.fill(last, new int[0]);
    }

    void routed(int layer, int[] experts) {
        tokens[layer]++;
        for (int expert : experts) {
            counts[layer][expert]++;
            for (int before : last[layer]) {
                repeated[layer] += expert == before ? 1 : 0;
            }
        }
        repeatable[layer] += last[layer].length;
        last[layer] = experts.clone();
    }

    void moved(int layer, float[] before, float[] now) {
        double dot = 0;
        double a = 0;
        double b = 0;
        for (int i = 0; i < now.length; i++) {
            dot += (double) before[i] * now[i];
            a += (double) before[i] * before[i];
            b += (double) now[i] * now[i];
        }
        cosines[layer] += dot / Math.sqrt(Math.max(a * b, Double.MIN_NORMAL));
    }

    /** One layer's figures; zeros if nothing was counted. */
    public Layer layer(int layer) {
        long n = tokens[layer];
        return new Layer(
                n,
                skew(counts[layer]),
                topEighth(counts[layer]),
                repeatable[layer] == 0 ? 0 : (double) repeated[layer] / repeatable[layer],
                n == 0 ? 0 : cosines[layer] / n);
    }

    /**
     * The exponent whose power law gives the counts the largest likelihood, found by bisection of
     * its derivative.
     */
    private static double skew(long[] counts) {
        long[] sorted = descending(counts);
        double all = 0;
        double logs = 0; // sum of counts times log rank
        for (int rank = 0; rank < sorted.length; rank++) {
            all += sorted[rank];
            logs += sorted[rank] * Math.log(rank + 1.0);
        }
        if (all == 0) {
            return 0;
        }
        double low = 0;
        double high = 16;
        for (int i = 0; i < 50; i++) {
            double middle = (low + high) / 2;
            if (expectedLog(middle, sorted.length) > logs / all) {
                low = middle;
            } else {
                high = middle;
            }
        }
        return low;
    }

    /** Mean log rank under {@code rank^-z}. */
    private static double expectedLog(double z, int ranks) {
        double weights = 0;
        double logs = 0;
        for (int rank = 1; rank <= ranks; rank++) {
            double weight = Math.pow(rank, -z);
            weights += weight;
            logs += weight * Math.log(rank);
        }
        return logs / weights;
    }

    private static double topEighth(long[] counts) {
        long[] sorted = descending(counts);
        long all = Arrays.stream(sorted).sum();
        long top = Arrays.stream(sorted, 0, (sorted.length + 7) / 8).sum();
        return all == 0 ? 0 : (double) top / all;
    }

    private static long[] descending(long[] counts) {
        long[] sorted = counts.clone();
        Arrays.sort(sorted);
        for (int i = 0, j = sorted.length - 1; i < j; i++, j--) {
            long swapped = sorted[i];
            sorted[i] = sorted[j];
            sorted[j] = swapped;
        }
        return sorted;
    }
}
