package io.greenroom.cache.plan;

/** What the ways of splitting share. */
final class Splits {

    private Splits() {}

    /** The least of every layer. */
    static int[] floor(SplitProblem problem) {
        int[] split = new int[problem.layers()];
        for (int layer = 0; layer < split.length; layer++) {
            split[layer] = problem.least(layer);
        }
        return split;
    }

    /** Gives slots away one by one, each to the layer with fewest of those that can use more. */
    static void handOut(SplitProblem problem, int[] split, int slots) {
        for (int i = 0; i < slots; i++) {
            int poorest = -1;
            for (int layer = 0; layer < split.length; layer++) {
                if (split[layer] < problem.most(layer)
                        && (poorest < 0 || split[layer] < split[poorest])) {
                    poorest = layer;
                }
            }
            if (poorest < 0) {
                return;
            }
            split[poorest]++;
        }
    }

    static int sum(int[] split) {
        int sum = 0;
        for (int slots : split) {
            sum += slots;
        }
        return sum;
    }
}
