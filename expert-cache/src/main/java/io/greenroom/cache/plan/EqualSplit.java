package io.greenroom.cache.plan;

/** The same for every layer that is visited, as nearly as the number of slots allows. */
public final class EqualSplit implements Splitter {

    @Override
    public int[] split(SplitProblem problem) {
        int[] split = Splits.floor(problem);
        Splits.handOut(problem, split, problem.usable() - Splits.sum(split));
        return split;
    }
}
