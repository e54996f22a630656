package io.greenroom.cache.trace;

import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One step of the decoder: the rows that went through the model together, and what each MoE layer
 * decided for them. Immutable as long as nobody writes into its arrays.
 *
 * @param sequences the requests in the step, in the order of their rows
 * @param ended requests that were over after this step, or before the next began
 * @param layers one for each of {@link TraceHeader#moeLayers()}, in that order
 */
public record TraceStep(List<Sequence> sequences, int[] ended, List<LayerRouting> layers) {

    /** What a sequence's rows are. */
    public enum Phase {
        /** Tokens of a prompt, taken in chunks. */
        PREFILL,
        /** One token after another. */
        DECODE
    }

    /**
     * A request's rows within a step; they stand together.
     *
     * @param request number of the request within the trace, at least 0
     * @param rows how many, at least 1
     * @param begins whether this is the request's first step
     */
    public record Sequence(int request, int rows, Phase phase, boolean begins) {}

    public TraceStep {
        sequences = List.copyOf(sequences);
        layers = List.copyOf(layers);
    }

    /** Rows of all sequences. */
    public int rows() {
        int rows = 0;
        for (Sequence sequence : sequences) {
            rows += sequence.rows();
        }
        return rows;
    }

    /** The sequence a row belongs to. */
    public Sequence sequenceOf(int row) {
        int end = 0;
        for (Sequence sequence : sequences) {
            end += sequence.rows();
            if (row >= 0 && row < end) {
                return sequence;
            }
        }
        throw new IndexOutOfBoundsException("Row " + row + " of " + end);
    }

    /** Whether no row is of a prompt: the steps whose latency a reader of the answer feels. */
    public boolean decodeOnly() {
        for (Sequence sequence : sequences) {
            if (sequence.phase() == Phase.PREFILL) {
                return false;
            }
        }
        return true;
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof TraceStep that
                && sequences.equals(that.sequences)
                && Arrays.equals(ended, that.ended)
                && layers.equals(that.layers);
    }

    @Override
    public int hashCode() {
        return 31 * sequences.hashCode() + layers.hashCode();
    }

    @Override
    public String toString() {
        return sequences + ", ended " + Arrays.toString(ended) + ", layers " + layers;
    }
}
