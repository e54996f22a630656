package io.greenroom.offload.lowbit;

import io.greenroom.cache.ByteSize;
import io.greenroom.cache.ExpertId;
import io.greenroom.cache.LoadPriority;
import io.greenroom.offload.kernel.Kernels;
import io.greenroom.offload.lowbit.ExpertQuantizer.Squares;
import io.greenroom.offload.memory.NativeAllocator;
import io.greenroom.offload.memory.SlotArena;
import io.greenroom.offload.store.Checkpoint;
import io.greenroom.offload.store.CheckpointException;
import io.greenroom.offload.store.ExpertLayout;
import io.greenroom.offload.store.ExpertReader;
import io.greenroom.offload.store.ExpertWeights;
import io.greenroom.offload.store.ModelSpec;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.zip.CRC32C;

/**
 * Makes a file of low-bit copies from a checkpoint's experts, layer by layer. What is under way is
 * in a file beside it, named {@code .partial}; interrupted, the same call goes on after the last
 * layer that was finished. The result does not depend on interruptions or threads.
 */
public final class LowBitPacker {

    /** Copies that take more than this share of their experts' bytes are not worth their loss. */
    private static final double WORTHWHILE = 0.8;

    private final Checkpoint checkpoint;
    private final String fingerprint;
    private final LowBitShape shape;
    private final Kernels kernels;
    private final NativeAllocator allocator;

    /** Is told how far it is; called on the packing thread. */
    public interface Listener {

        /**
         * Before anything is done.
         *
         * @param layersDone layers that an earlier call finished
         */
        default void begun(int layersDone, int layers, long fileBytes) {}

        /** After each copy, of {@code all}. */
        default void copied(int done, int all) {}

        /**
         * After each layer.
         *
         * @param errors relative root mean square errors of gate, up and down
         */
        default void layerDone(int layer, float[] errors) {}
    }

    /**
     * @param fingerprint of the checkpoint
     * @throws IllegalArgumentException if copies of this type are of no use or not possible
     */
    public LowBitPacker(
            Checkpoint checkpoint,
            String fingerprint,
            LowBitType type,
            Kernels kernels,
            NativeAllocator allocator) {
        this.checkpoint = checkpoint;
        this.fingerprint = fingerprint;
        this.shape = new LowBitShape(type, checkpoint.spec());
        this.kernels = kernels;
        this.allocator = allocator;
        long original = smallestExpert(checkpoint);
        if (shape.recordBytes() > WORTHWHILE * original) {
            throw new IllegalArgumentException(
                    "A "
                            + type.label()
                            + " copy takes "
                            + new ByteSize(shape.recordBytes())
                            + ", the expert itself "
                            + new ByteSize(original)
                            + ": that saves too little to be of use"
                            + (type == LowBitType.Q2_G32 ? "" : "; use q2_g32"));
        }
    }

    private static long smallestExpert(Checkpoint checkpoint) {
        ExpertLayout layout = ExpertLayout.of(checkpoint);
        ModelSpec spec = checkpoint.spec();
        long smallest = Long.MAX_VALUE;
        for (int layer = 0; layer < spec.layers(); layer++) {
            if (spec.moeLayers()[layer]) {
                smallest = Math.min(smallest, layout.expertBytes(new ExpertId(layer, 0)));
            }
        }
        return smallest;
    }

    /** Bytes of the finished file. */
    public long fileBytes() {
        return shape.fileBytes();
    }

    /**
     * Makes the file, or finishes it.
     *
     * @throws CheckpointException if the file is there already, or the checkpoint cannot be read
     * @throws IOException if the file cannot be written
     */
    public void pack(Path file, Listener listener) throws IOException {
        if (Files.exists(file)) {
            throw new CheckpointException(
                    file, "is there already; remove it first, or name another file");
        }
        ExpertLayout layout = ExpertLayout.of(checkpoint);
        try (PartialFile partial = PartialFile.open(file, begin());
                ExpertQuantizer quantizer = new ExpertQuantizer(shape, kernels, allocator);
                SlotArena arena = SlotArena.allocate(allocator, layout.slotBytes(), 2);
                ExpertReader reader =
                        ExpertReader.open(layout, arena, true, ExpertReader.DEFAULT_LANES)) {
            listener.begun(partial.header().layersDone(), shape.moeLayers(), shape.fileBytes());
            for (int layer = 0; layer < shape.spec().layers(); layer++) {
                if (!shape.spec().moeLayers()[layer]) {
                    continue;
                }
                int index = shape.moeIndex(layer);
                if (index >= partial.header().layersDone()) {
                    packLayer(layer, partial, quantizer, reader, listener);
                }
                listener.layerDone(layer, partial.header().errors()[index]);
            }
            partial.finish(file);
        }
    }

    private LowBitHeader begin() {
        Path name = checkpoint.location().getFileName();
        return LowBitHeader.begin(shape, fingerprint, name == null ? "" : name.toString());
    }

    private void packLayer(
            int layer,
            PartialFile partial,
            ExpertQuantizer quantizer,
            ExpertReader reader,
            Listener listener)
            throws IOException {
        int experts = shape.spec().experts();
        int first = shape.moeIndex(layer) * experts;
        int matrixBytes = Math.toIntExact(shape.matrixBytes());
        byte[] copy = new byte[Math.toIntExact(shape.recordBytes())];
        Squares gate = Squares.NONE;
        Squares up = Squares.NONE;
        Squares down = Squares.NONE;
        CompletableFuture<Void> next = read(reader, layer, 0);
        for (int expert = 0; expert < experts; expert++) {
            await(next);
            if (expert + 1 < experts) { // the disk works while the cores do
                next = read(reader, layer, expert + 1);
            }
            ExpertId id = new ExpertId(layer, expert);
            ExpertWeights weights = reader.weights(id, expert % 2);
            gate = gate.plus(finite(id, quantizer.quantize(weights.gate(), copy, 0)));
            up = up.plus(finite(id, quantizer.quantize(weights.up(), copy, matrixBytes)));
            down = down.plus(finite(id, quantizer.quantize(weights.down(), copy, 2 * matrixBytes)));
            CRC32C crc = new CRC32C();
            crc.update(copy);
            partial.write(first + expert, copy, (int) crc.getValue());
            listener.copied(first + expert + 1, shape.copies());
        }
        partial.layerDone(
                shape.moeIndex(layer),
                new float[] {gate.relativeError(), up.relativeError(), down.relativeError()});
    }

    private Squares finite(ExpertId id, Squares squares) throws CheckpointException {
        if (!Double.isFinite(squares.errors())) {
            throw new CheckpointException(
                    checkpoint.location(),
                    "expert " + id + " has weights that are not finite numbers");
        }
        return squares;
    }

    private static CompletableFuture<Void> read(ExpertReader reader, int layer, int expert) {
        return reader.load(new ExpertId(layer, expert), expert % 2, LoadPriority.DEMAND);
    }

    private void await(CompletableFuture<Void> read) throws IOException {
        try {
            read.get();
        } catch (ExecutionException e) {
            throw new CheckpointException(
                    checkpoint.location(), "cannot be read: " + e.getCause(), e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("Packing was interrupted; the same command goes on");
        }
    }
}
