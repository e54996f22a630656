package io.greenroom.offload.decoder;

import io.greenroom.cache.ExpertId;
import io.greenroom.offload.kernel.Activations;
import io.greenroom.offload.kernel.TensorType;
import io.greenroom.offload.kernel.WeightMatrix;
import io.greenroom.offload.memory.MemoryTag;
import io.greenroom.offload.memory.NativeAllocator;
import io.greenroom.offload.memory.NativeMemory;
import io.greenroom.offload.store.Checkpoint;
import io.greenroom.offload.store.ExpertSpans;
import io.greenroom.offload.store.ExpertWeights;
import io.greenroom.offload.store.ModelSpec;
import io.greenroom.offload.store.TensorSpan;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.util.Arrays;

/**
 * Weights with a checkpoint's shapes and types and made-up bytes, to measure the time of computing
 * with. Nothing is read.
 *
 * <p>All matrices are views of one block of memory, one after the other and again from the start,
 * so that it does not take as much memory as the model. The block is far larger than the
 * processor's caches, or else as large as the model, so that weights come from where the model's
 * would.
 */
final class MadeUpWeights implements ModelWeights.Tensors {

    /** Far more than the processor's caches hold. */
    private static final long MOST_BYTES = 192L << 20;

    /** Bytes that are ordinary numbers in every type: 1.06 in half precision, 0.01 in others. */
    private static final byte PATTERN = 0x3C;

    private static final int ALIGNMENT = 64;

    private final Checkpoint checkpoint;
    private final NativeMemory memory;
    private final ModelSpec spec;
    private long next;

    MadeUpWeights(NativeAllocator allocator, Checkpoint checkpoint, ResourceStack resources) {
        this.checkpoint = checkpoint;
        this.spec = checkpoint.spec();
        memory =
                resources.push(
                        allocator.allocate(MemoryTag.DENSE_WEIGHTS, bytes(checkpoint), ALIGNMENT));
        fill();
    }

    ModelWeights weights() {
        try {
            return ModelWeights.assemble(spec, this);
        } catch (IOException e) {
            throw new UncheckedIOException(e); // nothing is read
        }
    }

    @Override
    public boolean has(String name) {
        return checkpoint.tensor(name).isPresent();
    }

    @Override
    public WeightMatrix matrix(String name) {
        return view(span(name));
    }

    @Override
    public Activations vector(String name) {
        TensorSpan span = span(name);
        return new Activations(memory, place((long) span.cols() * Float.BYTES), 1, span.cols());
    }

    /** An expert somewhere else than the one before. */
    ExpertWeights expert(ExpertId id) {
        ExpertSpans spans = checkpoint.expert(id);
        return new ExpertWeights(view(spans.gate()), view(spans.up()), view(spans.down()));
    }

    private TensorSpan span(String name) {
        return checkpoint
                .tensor(name)
                .orElseThrow(() -> new IllegalStateException("There is no tensor " + name));
    }

    private WeightMatrix view(TensorSpan span) {
        TensorType type = span.type();
        long bytes = Math.multiplyExact(type.bytesFor(span.cols()), span.rows());
        return new WeightMatrix(memory, place(bytes), type, span.rows(), span.cols());
    }

    private long place(long bytes) {
        long at = next + bytes <= memory.bytes() ? next : 0;
        next = (at + bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
        return at;
    }

    private void fill() {
        byte[] pattern = new byte[1 << 16];
        Arrays.fill(pattern, PATTERN);
        for (long at = 0; at < memory.bytes(); at += pattern.length) {
            int length = (int) Math.min(pattern.length, memory.bytes() - at);
            ByteBuffer buffer = memory.buffer(at, length);
            buffer.put(pattern, 0, length);
        }
    }

    private static long bytes(Checkpoint checkpoint) {
        ModelSpec spec = checkpoint.spec();
        long largest = 0;
        long sum = 0;
        for (TensorSpan span : checkpoint.tensors()) {
            long bytes = Math.max(span.bytes(), (long) span.cols() * Float.BYTES) + ALIGNMENT;
            largest = Math.max(largest, bytes);
            sum += bytes;
        }
        for (int layer = 0; layer < spec.layers(); layer++) {
            if (spec.moeLayers()[layer]) {
                for (TensorSpan span : checkpoint.expert(new ExpertId(layer, 0)).inOrder()) {
                    largest = Math.max(largest, span.bytes() + ALIGNMENT);
                    sum += (span.bytes() + ALIGNMENT) * spec.experts();
                }
            }
        }
        return Math.max(largest, Math.min(sum, MOST_BYTES));
    }
}
