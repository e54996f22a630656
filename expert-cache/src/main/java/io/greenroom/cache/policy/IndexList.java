package io.greenroom.cache.policy;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Doubly linked lists of experts by number, threaded through shared arrays: an expert is in at most
 * one list, and adding and removing allocate nothing.
 */
final class IndexList {

    /** The links of a set of lists. */
    static final class Links {
        private final int[] next; // [total]
        private final int[] previous; // [total]
        private final @Nullable IndexList[] in; // [total]

        Links(int total) {
            next = new int[total];
            previous = new int[total];
            in = new IndexList[total];
            Arrays.fill(next, NONE);
            Arrays.fill(previous, NONE);
        }
    }

    static final int NONE = -1;

    private final Links links;
    private int first = NONE;
    private int last = NONE;
    private int size;

    IndexList(Links links) {
        this.links = links;
    }

    int size() {
        return size;
    }

    /** The first expert, or {@link #NONE}. */
    int first() {
        return first;
    }

    /** The expert after another of this list, or {@link #NONE}. */
    int after(int expert) {
        return links.next[expert];
    }

    boolean contains(int expert) {
        return links.in[expert] == this;
    }

    void addLast(int expert) {
        if (links.in[expert] != null) {
            throw new AssertionError("Expert " + expert + " is in a list already");
        }
        links.in[expert] = this;
        links.previous[expert] = last;
        links.next[expert] = NONE;
        if (last == NONE) {
            first = expert;
        } else {
            links.next[last] = expert;
        }
        last = expert;
        size++;
    }

    void remove(int expert) {
        if (links.in[expert] != this) {
            throw new AssertionError("Expert " + expert + " is not in this list");
        }
        int before = links.previous[expert];
        int after = links.next[expert];
        if (before == NONE) {
            first = after;
        } else {
            links.next[before] = after;
        }
        if (after == NONE) {
            last = before;
        } else {
            links.previous[after] = before;
        }
        links.in[expert] = null;
        size--;
    }
}
