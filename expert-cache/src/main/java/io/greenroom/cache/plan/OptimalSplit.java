package io.greenroom.cache.plan;

import java.util.Arrays;

/**
 * The split that reads the fewest bytes per token, by dynamic programming: with {@code F[i][j]} the
 * bytes of the first i layers in at most j slots,
 *
 * <pre>
 * F[i][j] = min over c of F[i-1][j-c] + m_i(c)      m_i(c): bytes of layer i with c slots
 * </pre>
 *
 * <p>Exact for every curve, also where it is not convex. One table answers every budget up to its
 * size.
 */
public final class OptimalSplit implements Splitter {

    /*
     * For 48 layers of 128 experts the table takes 20 million steps. They are arranged so that the
     * inner loop runs over neighbouring j with c fixed, which the compiler turns into vector
     * instructions. Which c was best is not noted: going back through the table finds it again in
     * layers * experts steps.
     */

    @Override
    public int[] split(SplitProblem problem) {
        return Table.of(problem).split(problem.usable());
    }

    /** The best splits of every number of slots up to that of a problem. */
    public static final class Table {

        private final SplitProblem problem;
        private final double[][] bytes; // [layers + 1][slots + 1], F
        private final double[][] costs; // [layers][experts + 1], m

        private Table(SplitProblem problem, double[][] bytes, double[][] costs) {
            this.problem = problem;
            this.bytes = bytes;
            this.costs = costs;
        }

        /** Fills the table. */
        public static Table of(SplitProblem problem) {
            int slots = problem.usable();
            int layers = problem.layers();
            long[] missBytes = problem.missBytes();
            double[][] costs = new double[layers][];
            double[][] best = new double[layers + 1][slots + 1];
            int reach = 0; // more slots than these do not help the layers so far
            for (int layer = 0; layer < layers; layer++) {
                MissCurve curve = problem.curves().get(layer);
                int most = problem.most(layer);
                double[] cost = new double[most + 1];
                for (int c = 0; c <= most; c++) {
                    cost[c] = curve.misses(c) * missBytes[layer];
                }
                costs[layer] = cost;
                double[] next = best[layer + 1];
                Arrays.fill(next, Double.POSITIVE_INFINITY);
                int reached = Math.min(slots, reach + most);
                for (int c = problem.least(layer); c <= Math.min(most, slots); c++) {
                    add(best[layer], c, cost[c], next, Math.min(slots, reach + c));
                }
                for (int j = 1; j <= slots; j++) { // "at most j slots", also beyond the reach
                    next[j] = Math.min(next[j], next[j - 1]);
                }
                reach = reached;
            }
            return new Table(problem, best, costs);
        }

        private static void add(double[] from, int c, double cost, double[] to, int last) {
            for (int j = c; j <= last; j++) {
                to[j] = Math.min(to[j], from[j - c] + cost);
            }
        }

        /** Bytes per token of the best split; infinite if the slots are too few for the floor. */
        public double bytesPerToken(int slots) {
            return bytes[costs.length][Math.min(slots, bytes[0].length - 1)];
        }

        /**
         * The best split of a number of slots; what brings nothing is handed out as well.
         *
         * @param slots from the floor of all layers up to those of the problem
         */
        public int[] split(int slots) {
            int layers = costs.length;
            int left = Math.min(slots, bytes[0].length - 1);
            if (bytes[layers][left] == Double.POSITIVE_INFINITY) {
                throw new IllegalArgumentException(
                        slots + " slots are below the least of all layers together");
            }
            int[] split = new int[layers];
            for (int layer = layers - 1; layer >= 0; layer--) {
                split[layer] = choice(layer, left);
                left -= split[layer];
            }
            Splits.handOut(problem, split, left);
            return split;
        }

        /** The fewest slots of a layer with which the table's value comes about. */
        private int choice(int layer, int slots) {
            double wanted = bytes[layer + 1][slots];
            int best = -1;
            double bestBytes = Double.POSITIVE_INFINITY;
            int last = Math.min(costs[layer].length - 1, slots);
            for (int c = problem.least(layer); c <= last; c++) {
                double found = bytes[layer][slots - c] + costs[layer][c];
                if (found < bestBytes) {
                    bestBytes = found;
                    best = c;
                    if (found <= wanted) {
                        break;
                    }
                }
            }
            return best;
        }
    }
}
