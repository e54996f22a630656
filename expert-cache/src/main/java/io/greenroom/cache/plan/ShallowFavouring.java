package io.greenroom.cache.plan;

/**
 * The fixed rule of Fate (Fang et al., "Fast Edge Inference of Mixture-of-Experts Models via
 * Cross-Layer Gate", 2025): the first layers, whose experts are foreseen worst, are held as far as
 * slots allow, and the others share what is left evenly. It looks at no curve.
 */
public final class ShallowFavouring implements Splitter {

    /** Layers the paper favours. */
    public static final int LAYERS = 4;

    @Override
    public int[] split(SplitProblem problem) {
        int[] split = Splits.floor(problem);
        int left = problem.usable() - Splits.sum(split);
        int favoured = 0;
        for (int layer = 0; layer < split.length && favoured < LAYERS; layer++) {
            if (problem.most(layer) > 0) {
                favoured++;
                int more = Math.min(left, problem.most(layer) - split[layer]);
                split[layer] += more;
                left -= more;
            }
        }
        Splits.handOut(problem, split, left);
        return split;
    }
}
