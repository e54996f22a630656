package io.greenroom.gating.residency;

import java.util.BitSet;
import org.jspecify.annotations.Nullable;

/**
 * Chooses exchanges of resident experts for more important ones: what SwapMoE calls the updating of
 * its virtual experts.
 *
 * <p>Each exchange brings in the absent expert with the largest share of its layer's importance,
 * for the resident expert with the smallest share of its own, in whatever layer; so slots also move
 * between layers, to where they are worth most. The one that comes must matter more by a margin, or
 * two of about the same importance would take turns. Free slots are filled first. A layer keeps at
 * least as many residents as a token needs: the one that leaves is gone before the other arrives.
 *
 * <p>Used by one thread; makes no garbage but its results.
 */
public final class SwapPlanner {

    private static final int NONE = -1;

    /** An exchange: {@code in} for {@code out}, or for a free slot if {@code outLayer} is -1. */
    public record Swap(int inLayer, int in, int outLayer, int out) {}

    private final int layers;
    private final int experts;
    private final int expertsPerToken;
    private final double margin;
    private final double[][] shares; // [layers][experts]
    private final int[] wanted; // [layers], most important absent expert or NONE
    private final int[] dispensable; // [layers], least important resident or NONE
    private @Nullable BitSet[] residents; // [layers]
    private @Nullable BitSet[] coming; // [layers]

    /**
     * @param margin by what factor an expert must matter more than the one it replaces; at least 1
     */
    public SwapPlanner(int layers, int experts, int expertsPerToken, double margin) {
        if (!(margin >= 1)) {
            throw new IllegalArgumentException("A margin of " + margin + "; expected 1 or more");
        }
        this.layers = layers;
        this.experts = experts;
        this.expertsPerToken = expertsPerToken;
        this.margin = margin;
        this.shares = new double[layers][experts];
        this.wanted = new int[layers];
        this.dispensable = new int[layers];
        this.residents = new BitSet[layers];
        this.coming = new BitSet[layers];
    }

    /**
     * Looks at every layer. {@link #next} then gives one exchange after the other, and keeps these
     * sets up to date with them.
     *
     * @param here residents of each layer; null for a layer without routed experts
     * @param expected experts of each layer that are on their way
     */
    public void look(Importance importance, @Nullable BitSet[] here, @Nullable BitSet[] expected) {
        residents = here;
        coming = expected;
        for (int layer = 0; layer < layers; layer++) {
            importance.shares(layer, shares[layer]);
            rank(layer);
        }
    }

    /**
     * The best exchange left, or null if none is worth it.
     *
     * @param free whether a slot is free for the one that comes
     */
    public @Nullable Swap next(boolean free) {
        int to = NONE;
        int from = NONE;
        for (int layer = 0; layer < layers; layer++) {
            if (wanted[layer] != NONE && (to == NONE || in(layer) > in(to))) {
                to = layer;
            }
            if (dispensable[layer] != NONE && (from == NONE || out(layer) < out(from))) {
                from = layer;
            }
        }
        if (to == NONE || in(to) == 0) {
            return null;
        }
        if (free) {
            Swap swap = new Swap(to, wanted[to], NONE, NONE);
            comes(to, wanted[to]);
            return swap;
        }
        if (from == NONE || in(to) <= margin * out(from)) {
            return null;
        }
        Swap swap = new Swap(to, wanted[to], from, dispensable[from]);
        comes(to, swap.in());
        leaves(from, swap.out());
        return swap;
    }

    private double in(int layer) {
        return shares[layer][wanted[layer]];
    }

    private double out(int layer) {
        return shares[layer][dispensable[layer]];
    }

    private void comes(int layer, int expert) {
        BitSet expected = coming[layer];
        if (expected != null) {
            expected.set(expert);
        }
        rank(layer);
    }

    private void leaves(int layer, int expert) {
        BitSet here = residents[layer];
        if (here != null) {
            here.clear(expert);
        }
        rank(layer);
    }

    private void rank(int layer) {
        wanted[layer] = NONE;
        dispensable[layer] = NONE;
        BitSet here = residents[layer];
        BitSet expected = coming[layer];
        if (here == null || expected == null) {
            return;
        }
        double[] share = shares[layer];
        boolean mayGive = here.cardinality() > expertsPerToken;
        for (int expert = 0; expert < experts; expert++) {
            if (here.get(expert)) {
                if (mayGive
                        && (dispensable[layer] == NONE
                                || share[expert] < share[dispensable[layer]])) {
                    dispensable[layer] = expert;
                }
            } else if (!expected.get(expert)
                    && (wanted[layer] == NONE || share[expert] > share[wanted[layer]])) {
                wanted[layer] = expert;
            }
        }
    }
}
