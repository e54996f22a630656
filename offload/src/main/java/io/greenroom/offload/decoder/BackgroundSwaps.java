package io.greenroom.offload.decoder;

import io.greenroom.cache.ExpertCache;
import io.greenroom.cache.ExpertId;
import io.greenroom.gating.RoutingDecision;
import io.greenroom.gating.residency.Importance;
import io.greenroom.gating.residency.SwapPlanner;
import io.greenroom.offload.kernel.Activations;
import io.greenroom.offload.kernel.Kernels;
import io.greenroom.offload.store.ModelSpec;
import java.util.BitSet;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Lets the resident set follow what requests that live by it would have wanted: after each step, an
 * expert that mattered lately is read in place of one that did not. Other requests need none of
 * this, since what they miss they read; a step of only those costs a look at a flag.
 *
 * <p>Reads are the cache's swaps and warm-ups, behind all others. The next step does not wait.
 *
 * <p>Used by the scheduler's thread.
 */
final class BackgroundSwaps implements RoutingObserver {

    /*
     * Measured on the demo model at a third of its experts, in "resident" mode over three domains
     * in turn: perplexity is lowest with a half-life of 32 tokens, in which an expert is chosen
     * four times on average (16: +6 %, 128: +19 %). A margin below 1.5 costs reads and brings
     * nothing, nor does more than one exchange a token. A prompt's chunk counts with all its
     * tokens: prompts are routed exactly and leave the layers visited last with most of the slots.
     */
    private static final int CHOSEN_PER_HALF_LIFE = 4;
    private static final double MARGIN = 1.5;
    private static final int SWAPS_PER_TOKEN = 1;

    /** Asked for this many steps ago and still not there: the read failed, or never began. */
    private static final int PATIENCE = 64;

    private final ExpertCache cache;
    private final Kernels kernels;
    private final Importance importance;
    private final SwapPlanner planner;
    private final int hidden;
    private final float[] inputs; // [rows, hidden]
    private final @Nullable BitSet[] residents; // [layers], null for dense layers
    private final @Nullable BitSet[] coming; // [layers]
    private final int[][] askedAt; // [layers][experts], step of the last request

    private int step;

    /**
     * @param importance is told of each token
     * @param rows most rows of a batch
     */
    BackgroundSwaps(
            ExpertCache cache,
            Kernels kernels,
            Importance importance,
            Manner manner,
            ModelSpec spec,
            int rows) {
        boolean[] moeLayers = spec.moeLayers();
        int experts = spec.experts();
        this.cache = cache;
        this.kernels = kernels;
        this.importance = importance;
        this.planner =
                new SwapPlanner(moeLayers.length, experts, spec.expertsPerToken(), manner.margin());
        this.hidden = spec.hidden();
        this.inputs = new float[Math.multiplyExact(rows, hidden)];
        this.residents = new BitSet[moeLayers.length];
        this.coming = new BitSet[moeLayers.length];
        this.askedAt = new int[moeLayers.length][experts];
        for (int layer = 0; layer < moeLayers.length; layer++) {
            if (moeLayers[layer]) {
                residents[layer] = new BitSet(experts);
                coming[layer] = new BitSet(experts);
            }
        }
    }

    /**
     * By what residents are exchanged.
     *
     * @param halfLifeTokens of importance
     * @param margin by what factor the one that comes must matter more
     */
    record Manner(double halfLifeTokens, double margin) {

        static Manner of(RoutingSettings.Swaps swaps, ModelSpec spec) {
            return swaps == RoutingSettings.Swaps.RECENCY
                    ? new Manner(1, 1)
                    : new Manner(
                            (double) CHOSEN_PER_HALF_LIFE * spec.experts() / spec.expertsPerToken(),
                            MARGIN);
        }
    }

    @Override
    public void routed(
            int layer, Batch batch, Activations input, float[] logits, RoutingDecision decision) {
        if (!batch.isRenewing()) {
            return;
        }
        kernels.read(input, batch.rows(), inputs);
        for (int row = 0; row < batch.rows(); row++) {
            if (batch.isRenewing(row)) {
                importance.observe(layer, logits, row, norm(row));
            }
        }
    }

    @Override
    public void stepDone(Batch batch) {
        if (!batch.isRenewing()) {
            return;
        }
        step++;
        int free = cache.slots() - look();
        planner.look(importance, residents, coming);
        int most = SWAPS_PER_TOKEN * batch.rows();
        for (int i = 0; i < most; i++) {
            SwapPlanner.Swap swap = planner.next(free > 0);
            if (swap == null) {
                return;
            }
            ExpertId in = new ExpertId(swap.inLayer(), swap.in());
            if (free > 0) {
                var unused = cache.warm(List.of(in));
                free--;
            } else {
                var unused = cache.swap(in, new ExpertId(swap.outLayer(), swap.out()));
            }
            askedAt[swap.inLayer()][swap.in()] = step;
        }
    }

    /** Notes who is there and who has come; returns how many slots that takes. */
    private int look() {
        int taken = 0;
        for (int layer = 0; layer < residents.length; layer++) {
            BitSet here = residents[layer];
            BitSet expected = coming[layer];
            if (here != null && expected != null) {
                cache.residentsOf(layer, here);
                expected.andNot(here);
                for (int i = expected.nextSetBit(0); i >= 0; i = expected.nextSetBit(i + 1)) {
                    if (step - askedAt[layer][i] > PATIENCE) {
                        expected.clear(i);
                    }
                }
                taken += here.cardinality() + expected.cardinality();
            }
        }
        return taken;
    }

    private float norm(int row) {
        double sum = 0;
        for (int i = row * hidden; i < (row + 1) * hidden; i++) {
            sum += (double) inputs[i] * inputs[i];
        }
        return (float) Math.sqrt(sum);
    }
}
