package io.greenroom.cache.trace;

import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * One MoE layer's part of a step. Arrays are row-major, belong to the step and must not be changed;
 * those of sections the trace lacks are empty. {@code m} is the header's top set, {@code w} its
 * predicted set.
 *
 * @param experts {@code [rows, m]}; the first k of a row are those that ran, in router order, the
 *     others the most probable of the rest, in descending order
 * @param probabilities {@code [rows, m]} the router's, over all experts
 * @param norms {@code [rows]} Euclidean norm of the gate input
 * @param similarities {@code [rows]} cosine of the gate input with the one of the MoE layer before;
 *     NaN in the first
 * @param predicted {@code [rows, w]} what was foreseen for this layer, the most probable first;
 *     empty if nothing was
 */
public record LayerRouting(
        int[] experts,
        float[] probabilities,
        float[] norms,
        float[] similarities,
        int[] predicted) {

    /** A layer of which only the experts are known. */
    public static LayerRouting of(int... experts) {
        return new LayerRouting(experts, new float[0], new float[0], new float[0], new int[0]);
    }

    /**
     * The distinct experts that all rows' choices ask for, as the decoder visits them: the expert
     * with most rows first, ties by lower index.
     *
     * @param header of the trace
     */
    public int[] visit(TraceHeader header) {
        int k = header.expertsPerToken();
        int m = header.topSet();
        if (experts.length == m) { // one row: each expert once
            int[] visit = Arrays.copyOf(experts, k);
            Arrays.sort(visit);
            return visit;
        }
        int[] counts = new int[header.experts()];
        int rows = experts.length / m;
        for (int row = 0; row < rows; row++) {
            for (int rank = 0; rank < k; rank++) {
                counts[experts[row * m + rank]]++;
            }
        }
        long[] order = new long[counts.length];
        int groups = 0;
        for (int expert = 0; expert < counts.length; expert++) {
            if (counts[expert] > 0) {
                order[groups++] = ((long) (rows - counts[expert]) << 32) | expert;
            }
        }
        Arrays.sort(order, 0, groups);
        int[] visit = new int[groups];
        for (int group = 0; group < groups; group++) {
            visit[group] = (int) order[group];
        }
        return visit;
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof LayerRouting that
                && Arrays.equals(experts, that.experts)
                && Arrays.equals(probabilities, that.probabilities)
                && Arrays.equals(norms, that.norms)
                && Arrays.equals(similarities, that.similarities)
                && Arrays.equals(predicted, that.predicted);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(experts);
    }

    @Override
    public String toString() {
        return "experts "
                + Arrays.toString(experts)
                + ", probabilities "
                + Arrays.toString(probabilities)
                + ", norms "
                + Arrays.toString(norms)
                + ", similarities "
                + Arrays.toString(similarities)
                + ", predicted "
                + Arrays.toString(predicted);
    }
}
