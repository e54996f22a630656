package io.greenroom.offload.store;

import io.greenroom.cache.ExpertId;
import io.greenroom.offload.kernel.WeightMatrix;
import io.greenroom.offload.memory.SlotArena;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * How experts lie in slots. Bytes keep the place within a 4096-byte block that they have in the
 * file: then a read around the page cache, which must begin and end at block borders in the file as
 * well as in memory, brings them to where they belong without a copy. Matrices that follow each
 * other in the file are read as one.
 *
 * <p>All slots have the size of the largest expert, as types may differ between layers. Immutable
 * and thread-safe.
 */
public final class ExpertLayout {

    private static final int BLOCK = SlotArena.ALIGNMENT;

    private final ExpertSource source;
    private final long slotBytes;
    private final int experts;

    private ExpertLayout(ExpertSource source, long slotBytes, int experts) {
        this.source = source;
        this.slotBytes = slotBytes;
        this.experts = experts;
    }

    /**
     * Bytes that follow each other in a file, and their place in a slot.
     *
     * @param file where they are
     * @param offset first byte in the file
     * @param bytes how many
     * @param slotOffset first byte in the slot; equals {@code offset} modulo 4096
     */
    record Piece(Path file, long offset, long bytes, long slotOffset) {}

    /** The places of one expert's three matrices, and the reads that fill them. */
    private record Arrangement(long[] slotOffsets, List<Piece> pieces, long bytes) {}

    /** Looks at every expert of a source. */
    public static ExpertLayout of(ExpertSource source) {
        ModelSpec spec = source.spec();
        long largest = 0;
        int experts = 0;
        for (int layer = 0; layer < spec.layers(); layer++) {
            if (!spec.moeLayers()[layer]) {
                continue;
            }
            for (int expert = 0; expert < spec.experts(); expert++) {
                ExpertSpans spans = source.expert(new ExpertId(layer, expert));
                largest = Math.max(largest, arrange(spans).bytes());
                experts++;
            }
        }
        return new ExpertLayout(source, largest, experts);
    }

    /** Bytes of a slot, a multiple of 4096. */
    public long slotBytes() {
        return slotBytes;
    }

    /** Routed experts of the source, over all layers. */
    public int experts() {
        return experts;
    }

    /** Bytes that all experts take when all are resident. */
    public long allExpertBytes() {
        return Math.multiplyExact(slotBytes, experts);
    }

    /** Weight bytes of one expert, without the gaps of its slot. */
    public long expertBytes(ExpertId id) {
        return source.expert(id).inOrder().stream().mapToLong(TensorSpan::bytes).sum();
    }

    /** The matrices of an expert that has been read into a slot. */
    public ExpertWeights weights(SlotArena arena, ExpertId id, int slot) {
        ExpertSpans spans = source.expert(id);
        long[] places = arrange(spans).slotOffsets();
        long base = arena.offset(slot);
        return new ExpertWeights(
                matrix(arena, base + places[0], spans.gate()),
                matrix(arena, base + places[1], spans.up()),
                matrix(arena, base + places[2], spans.down()));
    }

    /** What must be read to fill an expert's slot. */
    List<Piece> pieces(ExpertId id) {
        return arrange(source.expert(id)).pieces();
    }

    ExpertSource source() {
        return source;
    }

    private static WeightMatrix matrix(SlotArena arena, long offset, TensorSpan span) {
        return new WeightMatrix(arena.memory(), offset, span.type(), span.rows(), span.cols());
    }

    private static Arrangement arrange(ExpertSpans spans) {
        List<TensorSpan> matrices = spans.inOrder();
        int[] order = inFileOrder(matrices);
        long[] slotOffsets = new long[matrices.size()];
        List<Piece> pieces = new ArrayList<>(matrices.size());
        long end = 0;
        for (int i : order) {
            TensorSpan span = matrices.get(i);
            Piece last = pieces.isEmpty() ? null : pieces.get(pieces.size() - 1);
            if (last != null
                    && last.file().equals(span.file())
                    && last.offset() + last.bytes() == span.offset()) {
                slotOffsets[i] = end;
                pieces.set(
                        pieces.size() - 1,
                        new Piece(
                                last.file(),
                                last.offset(),
                                last.bytes() + span.bytes(),
                                last.slotOffset()));
            } else {
                slotOffsets[i] = roundUp(end) + span.offset() % BLOCK;
                pieces.add(new Piece(span.file(), span.offset(), span.bytes(), slotOffsets[i]));
            }
            end = slotOffsets[i] + span.bytes();
        }
        return new Arrangement(slotOffsets, pieces, roundUp(end));
    }

    /** Indices of three spans by offset; files are compared by the neighbourhood test alone. */
    private static int[] inFileOrder(List<TensorSpan> spans) {
        int[] order = {0, 1, 2};
        for (int pass = 0; pass < 2; pass++) {
            for (int i = 0; i < 2 - pass; i++) {
                if (spans.get(order[i]).offset() > spans.get(order[i + 1]).offset()) {
                    int swapped = order[i];
                    order[i] = order[i + 1];
                    order[i + 1] = swapped;
                }
            }
        }
        return order;
    }

    private static long roundUp(long bytes) {
        return (bytes + BLOCK - 1) / BLOCK * BLOCK;
    }
}
