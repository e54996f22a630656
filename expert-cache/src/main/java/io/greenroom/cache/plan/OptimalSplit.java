package io.greenroom.cache.plan;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;

/**
 * The split that reads the fewest bytes per token, by dynamic programming: with {@code F[i][j]} the
 * bytes of the first i layers in j slots,
 *
 * <pre>
 * F[i][j] = min over c of F[i-1][j-c] + m_i(c)      m_i(c): bytes of layer i with c slots
 * </pre>
 *
 * <p>Exact for every curve, also where it is not convex.
 */
public final class OptimalSplit implements Splitter {

    /*
     * The plain programme takes layers * slots * experts steps, 19 million for 48 layers of 128
     * experts. Few of them can matter. Put a price p on a slot: then every layer chooses for itself,
     * and what they choose together is a lower bound,
     *
     *   L = sum over i of min over c of (m_i(c) + p c)  -  p * slots
     *
     * which for the right price is nearly reached, as the curves are nearly convex. A split of U
     * bytes is found on the way, by following the convex hulls. In any split that is no worse, a
     * layer's choice may exceed its own minimum at this price by no more than U - L. Only those
     * choices, most often one to five of a layer, are given to the programme, which stays exact.
     */

    private static final double ROUNDING = 1e-9;

    @Override
    public int[] split(SplitProblem problem) {
        int slots = problem.usable();
        Hulls hulls = Hulls.of(problem);
        int[] split = programme(hulls, slots, hulls.fill(slots));
        Splits.handOut(problem, split, slots - Splits.sum(split));
        return split;
    }

    /** The programme over the choices that can be part of an optimum. */
    private static int[] programme(Hulls hulls, int slots, Hulls.Filling filling) {
        double[][] costs = hulls.costs();
        int layers = costs.length;
        double[][] rows = new double[layers + 1][];
        int[] from = new int[layers + 1]; // rows[i][j]: the first i layers in from[i] + j slots
        int[][] choices = new int[layers][];
        rows[0] = new double[] {0};
        for (int layer = 0; layer < layers; layer++) {
            choices[layer] = hulls.choices(layer, filling);
            from[layer + 1] = from[layer] + choices[layer][0];
            rows[layer + 1] = next(rows[layer], choices[layer], costs[layer]);
        }
        int[] split = new int[layers];
        int at = best(rows[layers], slots - from[layers]);
        for (int layer = layers - 1; layer >= 0; layer--) {
            split[layer] = chosen(rows[layer], at, choices[layer], costs[layer]);
            at -= split[layer] - choices[layer][0];
        }
        return split;
    }

    private static double[] next(double[] row, int[] choices, double[] cost) {
        int least = choices[0];
        double[] next = new double[row.length + choices[choices.length - 1] - least];
        Arrays.fill(next, Double.POSITIVE_INFINITY);
        for (int c : choices) {
            for (int j = 0; j < row.length; j++) {
                next[j + c - least] = Math.min(next[j + c - least], row[j] + cost[c]);
            }
        }
        return next;
    }

    private static int best(double[] row, int last) {
        int best = 0;
        for (int j = 1; j <= Math.min(last, row.length - 1); j++) {
            best = row[j] < row[best] ? j : best;
        }
        return best;
    }

    private static int chosen(double[] row, int at, int[] choices, double[] cost) {
        int best = -1;
        double least = Double.POSITIVE_INFINITY;
        for (int c : choices) {
            int j = at - (c - choices[0]);
            if (j >= 0 && j < row.length && row[j] + cost[c] < least) {
                least = row[j] + cost[c];
                best = c;
            }
        }
        return best;
    }

    /**
     * The layers' costs and the corners of their convex hulls.
     *
     * @param problem what is divided
     * @param costs {@code [layers][most + 1]}, bytes per token
     * @param corners {@code [layers][]}, numbers of slots, rising from the layer's least
     */
    private record Hulls(SplitProblem problem, double[][] costs, int[][] corners) {

        /** A stretch of a hull: so many slots, each of which saves so much. */
        private record Stretch(int layer, int slots, double saving) {}

        /**
         * A split found along the hulls.
         *
         * @param price what the last slot saved
         * @param gap bytes by which it may exceed the optimum
         */
        record Filling(double price, double gap) {}

        static Hulls of(SplitProblem problem) {
            int layers = problem.layers();
            long[] missBytes = problem.missBytes();
            double[][] costs = new double[layers][];
            int[][] corners = new int[layers][];
            for (int layer = 0; layer < layers; layer++) {
                int least = problem.least(layer);
                double[] cost = new double[problem.most(layer) + 1];
                for (int c = 0; c < cost.length; c++) {
                    cost[c] = problem.curves().get(layer).misses(c) * missBytes[layer];
                }
                costs[layer] = cost;
                corners[layer] = ConvexHull.below(Arrays.copyOfRange(cost, least, cost.length));
                for (int i = 0; i < corners[layer].length; i++) {
                    corners[layer][i] += least;
                }
            }
            return new Hulls(problem, costs, corners);
        }

        Filling fill(int slots) {
            int[] split = Splits.floor(problem);
            int left = slots - Splits.sum(split);
            double price = 0;
            for (Stretch stretch : stretches()) {
                if (left == 0 || stretch.saving() <= 0) {
                    break;
                }
                int taken = Math.min(left, stretch.slots());
                split[stretch.layer()] += taken;
                left -= taken;
                price = left == 0 ? stretch.saving() : 0;
            }
            double bound = -price * slots;
            double found = 0;
            for (int layer = 0; layer < costs.length; layer++) {
                bound += priced(layer, price);
                found += costs[layer][split[layer]];
            }
            return new Filling(price, Math.max(0, found - bound) + ROUNDING * (1 + found));
        }

        /** Slot counts of a layer that may be part of an optimum, rising. */
        int[] choices(int layer, Filling filling) {
            double[] cost = costs[layer];
            double most = priced(layer, filling.price()) + filling.gap();
            int[] choices = new int[cost.length];
            int count = 0;
            for (int c = problem.least(layer); c < cost.length; c++) {
                if (cost[c] + filling.price() * c <= most) {
                    choices[count++] = c;
                }
            }
            return Arrays.copyOf(choices, count);
        }

        /** The least a layer costs when slots have a price. */
        private double priced(int layer, double price) {
            double least = Double.POSITIVE_INFINITY;
            for (int c : corners[layer]) {
                least = Math.min(least, costs[layer][c] + price * c);
            }
            return least;
        }

        private List<Stretch> stretches() {
            List<Stretch> stretches = new ArrayList<>();
            for (int layer = 0; layer < corners.length; layer++) {
                for (int i = 1; i < corners[layer].length; i++) {
                    int from = corners[layer][i - 1];
                    int to = corners[layer][i];
                    double saved = costs[layer][from] - costs[layer][to];
                    stretches.add(new Stretch(layer, to - from, saved / (to - from)));
                }
            }
            stretches.sort(Comparator.comparingDouble(stretch -> -stretch.saving()));
            return stretches;
        }
    }
}
