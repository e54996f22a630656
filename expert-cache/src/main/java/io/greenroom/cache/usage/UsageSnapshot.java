package io.greenroom.cache.usage;

/** Counters of all experts at some time, or what they grew by between two times. Immutable. */
public final class UsageSnapshot {

    private final int layers;
    private final int experts;
    private final long[][] counts; // [ExpertCounter][layers * experts]

    UsageSnapshot(int layers, int experts, long[][] counts) {
        this.layers = layers;
        this.experts = experts;
        this.counts = counts;
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
        if (earlier.layers != layers || earlier.experts != experts) {
            throw new IllegalArgumentException(
                    "Snapshots of "
                            + layers
                            + "x"
                            + experts
                            + " and "
                            + earlier.layers
                            + "x"
                            + earlier.experts
                            + " experts are not of the same model");
        }
        long[][] difference = new long[counts.length][];
        for (int counter = 0; counter < counts.length; counter++) {
            difference[counter] = counts[counter].clone();
            for (int at = 0; at < difference[counter].length; at++) {
                difference[counter][at] -= earlier.counts[counter][at];
            }
        }
        return new UsageSnapshot(layers, experts, difference);
    }
}
