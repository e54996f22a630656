package io.greenroom.cache.plan;

/** A way of dividing slots between layers. */
@FunctionalInterface
public interface Splitter {

    /**
     * Divides all usable slots.
     *
     * @return slots of each layer: no fewer than its least, no more than its experts, {@link
     *     SplitProblem#usable} in all
     */
    int[] split(SplitProblem problem);
}
