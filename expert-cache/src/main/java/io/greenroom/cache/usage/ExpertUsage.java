package io.greenroom.cache.usage;

import io.greenroom.cache.CacheListener;
import io.greenroom.cache.ExpertId;
import java.util.BitSet;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.function.ToLongFunction;

/**
 * Counters of one model, per layer and expert, since it was loaded.
 *
 * <p>Each counter has one writer at a time: {@link ExpertCounter#ROUTED} and those of layers the
 * thread that decodes, the others whoever holds the cache's lock. So counting is a plain load, an
 * addition and a plain store, and any thread may take a {@link #snapshot} meanwhile. A snapshot is
 * no moment in time: counters of different experts may be some events apart, and every event is in
 * this one or in the next.
 */
public final class ExpertUsage implements CacheListener {

    /** Weights are counted as whole numbers: their sums do not depend on the order. */
    private static final double BILLION = 1e9;

    private final int layers;
    private final int experts;
    private final AtomicLongArray[] counts; // [ExpertCounter][layers * experts]
    private final AtomicLongArray[] layerCounts; // [LayerCounter][layers]
    private final ToLongFunction<ExpertId> expertBytes;
    private final BitSet guessed = new BitSet(); // guarded by the cache's lock

    /**
     * @param layers layers of the model
     * @param experts experts of each layer
     * @param expertBytes bytes of one expert; must not throw
     */
    public ExpertUsage(int layers, int experts, ToLongFunction<ExpertId> expertBytes) {
        this.expertBytes = expertBytes;
        this.layers = layers;
        this.experts = experts;
        this.counts = new AtomicLongArray[ExpertCounter.values().length];
        for (int i = 0; i < counts.length; i++) {
            counts[i] = new AtomicLongArray(Math.multiplyExact(layers, experts));
        }
        this.layerCounts = new AtomicLongArray[LayerCounter.values().length];
        for (int i = 0; i < layerCounts.length; i++) {
            layerCounts[i] = new AtomicLongArray(layers);
        }
    }

    /**
     * Counts what a layer's router decided. Always called by the same thread.
     *
     * @param chosen experts, one for each token and rank
     * @param count how many of them count
     */
    public void routed(int layer, int[] chosen, int count) {
        AtomicLongArray routed = counts[ExpertCounter.ROUTED.ordinal()];
        for (int i = 0; i < count; i++) {
            add(routed, layer * experts + chosen[i], 1);
        }
    }

    /**
     * Counts what yielding to residents has cost one token in one layer. Always called by the
     * thread that calls {@link #routed}.
     *
     * @param selections experts chosen
     * @param altered of these, experts that the router alone would not have chosen
     * @param fallbacks of these, experts not in memory that had to be admitted
     * @param exactWeight the router's probabilities of those it would have chosen
     * @param lostWeight the part of it that those chosen do not have
     */
    public void yielded(
            int layer,
            int selections,
            int altered,
            int fallbacks,
            double exactWeight,
            double lostWeight) {
        add(LayerCounter.YIELDING, layer, selections);
        add(LayerCounter.ALTERED, layer, altered);
        add(LayerCounter.FALLBACKS, layer, fallbacks);
        add(LayerCounter.EXACT_WEIGHT, layer, Math.round(exactWeight * BILLION));
        add(LayerCounter.LOST_WEIGHT, layer, Math.round(lostWeight * BILLION));
    }

    /**
     * {@inheritDoc}
     *
     * <p>By the thread that decodes, whichever of a model's caches it is.
     */
    @Override
    public void settled(ExpertId id, long stallNanos) {
        add(LayerCounter.STALL_NANOS, id.layer(), stallNanos);
    }

    @Override
    public void on(Event event, ExpertId id, int slot) {
        int at = id.layer() * experts + id.expert();
        switch (event) {
            case HIT -> {
                count(ExpertCounter.HITS, at);
                if (guessed.get(at)) {
                    guessed.clear(at);
                    count(ExpertCounter.PREFETCH_USEFUL, at);
                }
            }
            case MISS -> count(ExpertCounter.MISSES, at);
            case PREFETCH -> guessed.set(at);
            case PROMOTE -> {
                if (guessed.get(at)) { // else it was a warm-up's or a swap's
                    guessed.clear(at);
                    count(ExpertCounter.PREFETCH_LATE, at);
                }
            }
            case LOADED -> {
                count(ExpertCounter.LOADS, at);
                add(counts[ExpertCounter.BYTES_READ.ordinal()], at, expertBytes.applyAsLong(id));
            }
            case LOAD_FAILED -> guessed.clear(at);
            case CANCELLED -> {
                if (guessed.get(at)) { // not a warm-up's or an exchange's
                    guessed.clear(at);
                    count(ExpertCounter.PREFETCH_CANCELLED, at);
                }
            }
            case EVICT -> {
                if (guessed.get(at)) {
                    guessed.clear(at);
                    count(ExpertCounter.PREFETCH_WASTED, at);
                }
            }
            default -> {}
        }
    }

    /** The counters now. */
    public UsageSnapshot snapshot() {
        return new UsageSnapshot(layers, experts, copy(counts), copy(layerCounts));
    }

    private static long[][] copy(AtomicLongArray[] counts) {
        long[][] copy = new long[counts.length][counts[0].length()];
        for (int counter = 0; counter < copy.length; counter++) {
            for (int at = 0; at < copy[counter].length; at++) {
                copy[counter][at] = counts[counter].getOpaque(at);
            }
        }
        return copy;
    }

    private void add(LayerCounter counter, int layer, long more) {
        add(layerCounts[counter.ordinal()], layer, more);
    }

    private void count(ExpertCounter counter, int at) {
        add(counts[counter.ordinal()], at, 1);
    }

    /** Not atomic: each counter has one writer. Opaque: readers see whole numbers, in time. */
    private static void add(AtomicLongArray array, int at, long more) {
        array.setOpaque(at, array.getPlain(at) + more);
    }
}
