package io.greenroom.cache.usage;

import java.util.Arrays;
import java.util.function.LongBinaryOperator;

/** Counters of all experts at some time, or what they grew by between two times. Immutable. */
public final class UsageSnapshot {

    private final int layers;
    private final int experts;
    private final long[][] counts; // [ExpertCounter][layers * experts]
    private final long[][] layerCounts; // [LayerCounter][layers]

    UsageSnapshot(int layers, int experts, long[][] counts, long[][] layerCounts) {
        this.layers = layers;
        this.experts = experts;
        this.counts = counts;
        this.layerCounts = layerCounts;
    }

    public int layers() {
        return layers;
    }

    /** Experts of each layer. */
    public int experts() {
        return experts;
    }

    /** One expert's counter. */
    public long get(ExpertCounter counter, int layer, int expert) {
        if (layer < 0 || layer >= layers || expert < 0 || expert >= experts) {
            throw new IndexOutOfBoundsException(
                    "Expert "
                            + expert
                            + " of layer "
                            + layer
                            + ": there are "
                            + layers
                            + " layers"
                            + " of "
                            + experts);
        }
        return counts[counter.ordinal()][layer * experts + expert];
    }

    /** A layer's counter. */
    public long get(LayerCounter counter, int layer) {
        return layerCounts[counter.ordinal()][layer];
    }

    /** Sum over all layers. */
    public long sum(LayerCounter counter) {
        return Arrays.stream(layerCounts[counter.ordinal()]).sum();
    }

    /** Sum over a layer's experts. */
    public long sum(ExpertCounter counter, int layer) {
        long sum = 0;
        for (int expert = 0; expert < experts; expert++) {
            sum += get(counter, layer, expert);
        }
        return sum;
    }

    /** Sum over all experts. */
    public long sum(ExpertCounter counter) {
        long sum = 0;
        for (long count : counts[counter.ordinal()]) {
            sum += count;
        }
        return sum;
    }

    /**
     * What the counters grew by since an earlier snapshot of the same model.
     *
     * @throws IllegalArgumentException if the other has another shape
     */
    public UsageSnapshot since(UsageSnapshot earlier) {
        return combine(earlier, (now, then) -> now - then);
    }

    /**
     * What the counters grew by in this interval and in another one of the same model.
     *
     * @throws IllegalArgumentException if the other has another shape
     */
    public UsageSnapshot plus(UsageSnapshot other) {
        return combine(other, Long::sum);
    }

    private UsageSnapshot combine(UsageSnapshot other, LongBinaryOperator operator) {
        if (other.layers != layers || other.experts != experts) {
            throw new IllegalArgumentException(
                    "Snapshots of "
                            + layers
                            + "x"
                            + experts
                            + " and "
                            + other.layers
                            + "x"
                            + other.experts
                            + " experts are not of the same model");
        }
        return new UsageSnapshot(
                layers,
                experts,
                combine(counts, other.counts, operator),
                combine(layerCounts, other.layerCounts, operator));
    }

    private static long[][] combine(long[][] a, long[][] b, LongBinaryOperator operator) {
        long[][] result = new long[a.length][];
        for (int counter = 0; counter < a.length; counter++) {
            result[counter] = a[counter].clone();
            for (int at = 0; at < result[counter].length; at++) {
                result[counter][at] = operator.applyAsLong(a[counter][at], b[counter][at]);
            }
        }
        return result;
    }
}
