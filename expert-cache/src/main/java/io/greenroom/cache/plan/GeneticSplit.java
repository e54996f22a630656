package io.greenroom.cache.plan;

import java.util.Arrays;
import java.util.Random;

/**
 * A genetic search for a split, in the manner of SwapMoE's planner (Kong et al., "SwapMoE: Serving
 * Off-the-shelf MoE-based Large Language Models with Tunable Memory Budget", 2023), for comparison.
 *
 * <p>A candidate has one gene for each layer, its slots. Each generation keeps its best candidate
 * and makes the others from two parents, each the better of two drawn by chance: every gene comes
 * from either parent, and some are shifted a little. Such a child may take more than there is (the
 * paper reports a plan of 3.58 GiB for a budget of 3.5); here every one is repaired before it is
 * judged, and what the repair took away is reported.
 */
public final class GeneticSplit implements Splitter {

    private static final int POPULATION = 50;
    private static final int GENERATIONS = 200;
    private static final double MUTATION = 0.05;

    /** Largest step of a mutation, as a share of a layer's experts. */
    private static final double STEP = 0.1;

    private final long seed;

    /**
     * @param seed of the random numbers; the same seed gives the same split
     */
    public GeneticSplit(long seed) {
        this.seed = seed;
    }

    /**
     * What a search came to.
     *
     * @param split slots of each layer, never more than there are
     * @param overshoot most slots beyond those that the best candidate of a generation would have
     *     taken, had it not been repaired
     */
    public record Outcome(int[] split, int overshoot) {}

    @Override
    public int[] split(SplitProblem problem) {
        return search(problem).split();
    }

    /** As {@link #split}, and says what repair was good for. */
    public Outcome search(SplitProblem problem) {
        return new Search(problem, new Random(seed)).run();
    }

    /**
     * @param split slots of each layer
     * @param excess slots it had too many before it was repaired; negative if too few
     */
    private record Candidate(int[] split, int excess) {}

    private static final class Search {

        private final SplitProblem problem;
        private final Random random;
        private final int slots;

        Search(SplitProblem problem, Random random) {
            this.problem = problem;
            this.random = random;
            this.slots = problem.usable();
        }

        Outcome run() {
            Candidate[] candidates = new Candidate[POPULATION];
            for (int i = 0; i < POPULATION; i++) {
                candidates[i] = born();
            }
            int overshoot = 0; // of children: the first generation is arbitrary
            for (int generation = 0; generation < GENERATIONS; generation++) {
                double[] costs = costs(candidates);
                Candidate best = candidates[best(costs)];
                overshoot = Math.max(overshoot, generation == 0 ? 0 : best.excess());
                Candidate[] next = new Candidate[POPULATION];
                next[0] = best;
                for (int i = 1; i < POPULATION; i++) {
                    next[i] = child(candidates[drawn(costs)], candidates[drawn(costs)]);
                }
                candidates = next;
            }
            Candidate best = candidates[best(costs(candidates))];
            return new Outcome(best.split(), Math.max(overshoot, best.excess()));
        }

        /** Shares drawn by chance. */
        private Candidate born() {
            int layers = problem.layers();
            double[] shares = random.doubles(layers).toArray();
            double sum = Arrays.stream(shares).sum();
            int[] split = new int[layers];
            for (int layer = 0; layer < layers; layer++) {
                split[layer] = within(layer, (int) (slots * shares[layer] / sum));
            }
            return repaired(split);
        }

        private Candidate child(Candidate mother, Candidate father) {
            int[] split = new int[problem.layers()];
            for (int layer = 0; layer < split.length; layer++) {
                split[layer] = (random.nextBoolean() ? mother : father).split()[layer];
                if (random.nextDouble() < MUTATION) {
                    int step = 1 + (int) (STEP * problem.most(layer));
                    split[layer] =
                            within(layer, split[layer] + random.nextInt(2 * step + 1) - step);
                }
            }
            return repaired(split);
        }

        private int within(int layer, int wanted) {
            return Math.max(problem.least(layer), Math.min(problem.most(layer), wanted));
        }

        /** Takes from and gives to layers drawn by chance until exactly all slots are in use. */
        private Candidate repaired(int[] split) {
            int excess = Splits.sum(split) - slots;
            int left = excess;
            while (left != 0) {
                int layer = random.nextInt(split.length);
                if (left > 0 && split[layer] > problem.least(layer)) {
                    split[layer]--;
                    left--;
                } else if (left < 0 && split[layer] < problem.most(layer)) {
                    split[layer]++;
                    left++;
                }
            }
            return new Candidate(split, excess);
        }

        private double[] costs(Candidate[] candidates) {
            double[] costs = new double[candidates.length];
            for (int i = 0; i < costs.length; i++) {
                costs[i] = problem.bytesPerToken(candidates[i].split());
            }
            return costs;
        }

        /** The better of two. */
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
