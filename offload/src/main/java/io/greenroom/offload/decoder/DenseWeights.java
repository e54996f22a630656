package io.greenroom.offload.decoder;

import io.greenroom.offload.kernel.Activations;
import io.greenroom.offload.kernel.Kernels;
import io.greenroom.offload.kernel.WeightMatrix;
import io.greenroom.offload.memory.MemoryTag;
import io.greenroom.offload.memory.NativeAllocator;
import io.greenroom.offload.memory.NativeMemory;
import io.greenroom.offload.store.Checkpoint;
import io.greenroom.offload.store.DenseLoader;
import io.greenroom.offload.store.TensorSpan;
import java.io.IOException;

/**
 * Reads each resident tensor when it is asked for. Matrices stay as they are on disk, each in a
 * block of its own; vectors become floats and share one block. The memory goes onto a stack that
 * outlives this object.
 */
final class DenseWeights implements ModelWeights.Tensors {

    private static final int ALIGNMENT = 64;

    private final Checkpoint checkpoint;
    private final DenseLoader loader;
    private final Kernels kernels;
    private final ResourceStack resources;
    private final NativeMemory vectors;
    private long vectorBytes;

    DenseWeights(
            Checkpoint checkpoint,
            DenseLoader loader,
            NativeAllocator allocator,
            Kernels kernels,
            ResourceStack resources) {
        this.checkpoint = checkpoint;
        this.loader = loader;
        this.kernels = kernels;
        this.resources = resources;
        this.vectors =
                resources.push(
                        allocator.allocate(
                                MemoryTag.DENSE_WEIGHTS, bytesOfVectors(checkpoint), ALIGNMENT));
    }

    @Override
    public boolean has(String name) {
        return checkpoint.tensor(name).isPresent();
    }

    @Override
    public WeightMatrix matrix(String name) throws IOException {
        WeightMatrix matrix = loader.load(span(name));
        resources.push(matrix.memory());
        return matrix;
    }

    @Override
    public Activations vector(String name) throws IOException {
        TensorSpan span = span(name);
        Activations vector = new Activations(vectors, vectorBytes, 1, span.cols());
        vectorBytes += bytesOfVector(span);
        kernels.write(loader.floats(span), 1, vector);
        return vector;
    }

    private TensorSpan span(String name) {
        return checkpoint
                .tensor(name)
                .orElseThrow(
                        () ->
                                new IllegalStateException(
                                        checkpoint.location() + " has no tensor " + name));
    }

    private static long bytesOfVectors(Checkpoint checkpoint) {
        return checkpoint.tensors().stream()
                .filter(span -> span.rows() == 1)
                .mapToLong(DenseWeights::bytesOfVector)
                .sum();
    }

    private static long bytesOfVector(TensorSpan span) {
        long bytes = (long) span.cols() * Float.BYTES;
        return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    }
}
