package io.greenroom.cache.plan;

import java.util.Arrays;

/**
 * The experts of one layer, most lately visited first: an LRU cache of every size at once (Mattson,
 * Gecsei, Slutz and Traiger, "Evaluation techniques for storage hierarchies", 1970). An expert at
 * depth d hits in a cache with more than d slots.
 *
 * <p>All experts of a visit are looked up before any of them moves, as the cache does it: what is
 * resident when a visit begins is a hit.
 */
final class RecencyStack {

    /*
     * One pass over the stack both finds the depths and writes the new order, whatever the number
     * of experts visited: for the 32 to 256 experts of a layer that is cheaper than any tree.
     */
    private final int[] stack; // stack[0 .. size) expert, most recent first
    private final int[] rest; // the same without those of this visit
    private final boolean[] wanted; // [experts]
    private int size;

    RecencyStack(int experts) {
        stack = new int[experts];
        rest = new int[experts];
        wanted = new boolean[experts];
    }

    /**
     * Moves experts to the top, the last named to the very top.
     *
     * @param depths [experts]; one is added at the depth of each expert that was there
     * @return how many were visited for the first time
     */
    int visit(int[] experts, double[] depths) {
        for (int expert : experts) {
            wanted[expert] = true;
        }
        int kept = 0;
        int found = 0;
        for (int depth = 0; depth < size; depth++) {
            int expert = stack[depth];
            if (wanted[expert]) {
                depths[depth]++;
                found++;
            } else {
                rest[kept++] = expert;
            }
        }
        int n = experts.length;
        for (int i = 0; i < n; i++) {
            int expert = experts[n - 1 - i];
            stack[i] = expert;
            wanted[expert] = false;
        }
        System.arraycopy(rest, 0, stack, n, kept);
        size = n + kept;
        return n - found;
    }

    void clear() {
        size = 0;
        Arrays.fill(wanted, false);
    }
}
