package io.greenroom.offload.store;

import io.greenroom.offload.kernel.WeightMatrix;
import io.greenroom.offload.memory.MemoryTag;
import io.greenroom.offload.memory.NativeAllocator;
import io.greenroom.offload.memory.NativeMemory;
import io.greenroom.offload.memory.SlotArena;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;

/**
 * Reads the weights that are always resident into memory of our own. Mapped files would leave them
 * to the page cache, which drops them when experts are read. Used by one thread while a model is
 * loaded, then closed; what it loaded stays.
 */
public final class DenseLoader implements AutoCloseable {

    private static final int BLOCK = SlotArena.ALIGNMENT;

    /** Told after each piece how far loading has come. */
    @FunctionalInterface
    public interface Progress {
        /**
         * @param done bytes read so far
         * @param total bytes of all dense tensors of the checkpoint
         */
        void loaded(long done, long total);
    }

    /** Pieces between two reports; a multiple of the block. */
    private static final int PIECE = 16 << 20;

    private final NativeAllocator allocator;
    private final boolean direct;
    private final Progress progress;
    private final long total;
    private final Map<Path, PositionalFile> files = new HashMap<>();
    private long done;

    /**
     * @param allocator gives the memory, tagged {@link MemoryTag#DENSE_WEIGHTS}
     * @param direct whether to read around the page cache where the file system allows
     */
    public DenseLoader(
            Checkpoint checkpoint, NativeAllocator allocator, boolean direct, Progress progress) {
        this.allocator = allocator;
        this.direct = direct;
        this.progress = progress;
        this.total = denseBytes(checkpoint);
    }

    /** Bytes of all tensors that are always resident. */
    public static long denseBytes(Checkpoint checkpoint) {
        return checkpoint.tensors().stream().mapToLong(TensorSpan::bytes).sum();
    }

    /**
     * Reads a matrix as it is on disk. The caller closes its memory.
     *
     * @throws IOException if the file cannot be read or is shorter than when it was opened
     */
    public WeightMatrix load(TensorSpan span) throws IOException {
        long lead = span.offset() % BLOCK;
        NativeMemory memory = read(span, MemoryTag.DENSE_WEIGHTS);
        return new WeightMatrix(memory, lead, span.type(), span.rows(), span.cols());
    }

    /**
     * Reads a tensor of type F32, F16 or BF16 as floats, row-major; for norms and biases.
     *
     * @throws IOException as for {@link #load}
     */
    public float[] floats(TensorSpan span) throws IOException {
        if (span.type().blockElements() > 1) {
            throw new IllegalArgumentException(
                    span.name() + " of type " + span.type() + " cannot be read as floats");
        }
        float[] floats = new float[Math.multiplyExact(span.rows(), span.cols())];
        try (NativeMemory memory = read(span, MemoryTag.IO_STAGING)) {
            ByteBuffer bytes = memory.buffer(span.offset() % BLOCK, Math.toIntExact(span.bytes()));
            switch (span.type()) {
                case F32 -> bytes.asFloatBuffer().get(floats);
                case F16 -> {
                    for (int i = 0; i < floats.length; i++) {
                        floats[i] = HalfFloat.fromF16(bytes.getShort());
                    }
                }
                default -> {
                    for (int i = 0; i < floats.length; i++) {
                        floats[i] = HalfFloat.fromBf16(bytes.getShort());
                    }
                }
            }
        }
        return floats;
    }

    private NativeMemory read(TensorSpan span, MemoryTag tag) throws IOException {
        PositionalFile file = files.get(span.file());
        if (file == null) {
            file = PositionalFile.open(span.file(), direct);
            files.put(span.file(), file);
        }
        long lead = span.offset() % BLOCK;
        long whole = (lead + span.bytes() + BLOCK - 1) / BLOCK * BLOCK;
        NativeMemory memory = allocator.allocate(tag, whole, BLOCK);
        try {
            long end = span.offset() + span.bytes();
            for (long from = span.offset(); from < end; ) {
                // later pieces begin at block borders
                long to = Math.min(end, (from + PIECE) / BLOCK * BLOCK);
                file.read(from, to - from, memory, lead + from - span.offset());
                done += to - from;
                progress.loaded(done, total);
                from = to;
            }
            return memory;
        } catch (IOException | RuntimeException | Error e) {
            memory.close();
            throw e;
        }
    }

    /** Closes the files. */
    @Override
    public void close() throws IOException {
        for (PositionalFile file : files.values()) {
            file.close();
        }
    }
}
