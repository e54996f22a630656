package io.greenroom.cache.plan;

import java.util.Random;

/**
 * A genetic search for a split, in the manner of SwapMoE's planner (Kong et al., "SwapMoE: Serving
 * Off-the-shelf MoE-based Large Language Models with Tunable Memory Budget", 2023), for comparison.
 *
 * <p>A candidate has one gene for each layer, its slots. Each generation keeps its best candidate
 * and makes the others from two parents, each the better of two drawn by chance: every gene comes
 * from either parent, and some are drawn anew. The paper holds a candidate to the budget by its
 * fitness alone and reports a plan of 3.58 GiB for a budget of 3.5; here every candidate is
 * repaired, so that it never takes more than there is, and what an unrepaired search would have
 * taken can be asked for.
 */
public final class GeneticSplit implements Splitter {

    private static final int POPULATION = 50;
    private static final int GENERATIONS = 200;
    private static final double MUTATION = 0.05;

    /** In the fitness of an unrepaired candidate, the cost of taking twice what there is. */
    private static final double PENALTY = 1;

    private final long seed;

    /**
     * @param seed of the random numbers; the same seed gives the same split
     */
    public GeneticSplit(long seed) {
        this.seed = seed;
    }

    @Override
    public int[] split(SplitProblem problem) {
        return new Search(problem, new Random(seed), true).run();
    }

    /** How many slots the search ends with when fitness alone holds it to the budget. */
    public int unrepairedSlots(SplitProblem problem) {
        return Splits.sum(new Search(problem, new Random(seed), false).run());
    }

    private static final class Search {

        private final SplitProblem problem;
        private final Random random;
        private final boolean repairs;
        private final int slots;

        Search(SplitProblem problem, Random random, boolean repairs) {
            this.problem = problem;
            this.random = random;
            this.repairs = repairs;
            this.slots = problem.usable();
        }

        int[] run() {
            int[][] candidates = new int[POPULATION][];
            for (int i = 0; i < POPULATION; i++) {
                candidates[i] = born();
            }
            for (int generation = 0; generation < GENERATIONS; generation++) {
                double[] costs = costs(candidates);
                int[][] next = new int[POPULATION][];
                next[0] = candidates[best(costs)];
                for (int i = 1; i < POPULATION; i++) {
                    int[] mother = candidates[drawn(costs)];
                    int[] father = candidates[drawn(costs)];
                    next[i] = child(mother, father);
                }
                candidates = next;
            }
            return candidates[best(costs(candidates))];
        }

        private int[] born() {
            int[] candidate = new int[problem.layers()];
            for (int layer = 0; layer < candidate.length; layer++) {
                candidate[layer] = gene(layer);
            }
            return repaired(candidate);
        }

        private int[] child(int[] mother, int[] father) {
            int[] child = new int[mother.length];
            for (int layer = 0; layer < child.length; layer++) {
                child[layer] =
                        random.nextDouble() < MUTATION
                                ? gene(layer)
                                : (random.nextBoolean() ? mother : father)[layer];
            }
            return repaired(child);
        }

        private int gene(int layer) {
            int least = problem.least(layer);
            return least + random.nextInt(problem.most(layer) - least + 1);
        }

        /** Moves slots of layers drawn by chance until exactly all are given away. */
        private int[] repaired(int[] candidate) {
            if (!repairs) {
                return candidate;
            }
            int excess = Splits.sum(candidate) - slots;
            while (excess != 0) {
                int layer = random.nextInt(candidate.length);
                if (excess > 0 && candidate[layer] > problem.least(layer)) {
                    candidate[layer]--;
                    excess--;
                } else if (excess < 0 && candidate[layer] < problem.most(layer)) {
                    candidate[layer]++;
                    excess++;
                }
            }
            return candidate;
        }

        private double[] costs(int[][] candidates) {
            double[] costs = new double[candidates.length];
            double whole = problem.bytesPerToken(new int[problem.layers()]);
            for (int i = 0; i < costs.length; i++) {
                int excess = Math.max(0, Splits.sum(candidates[i]) - slots);
                costs[i] =
                        problem.bytesPerToken(candidates[i])
                                + whole * PENALTY * excess / Math.max(1, slots);
            }
            return costs;
        }

        private int drawn(double[] costs) {
            int one = random.nextInt(costs.length);
            int other = random.nextInt(costs.length);
            return costs[one] <= costs[other] ? one : other;
        }

        private static int best(double[] costs) {
            int best = 0;
            for (int i = 1; i < costs.length; i++) {
                best = costs[i] < costs[best] ? i : best;
            }
            return best;
        }
    }
}
