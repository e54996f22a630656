package io.greenroom.offload.decoder;

import io.greenroom.cache.ExpertCache;
import io.greenroom.cache.ExpertId;
import io.greenroom.cache.ExpertLoader;
import io.greenroom.cache.LoadPriority;
import io.greenroom.gating.residency.RoutingTally;
import io.greenroom.offload.kernel.Activations;
import io.greenroom.offload.kernel.Kernels;
import io.greenroom.offload.kernel.KvPages;
import io.greenroom.offload.kernel.TensorType;
import io.greenroom.offload.kernel.WeightMatrix;
import io.greenroom.offload.memory.MemoryTag;
import io.greenroom.offload.memory.NativeAllocator;
import io.greenroom.offload.memory.NativeMemory;
import io.greenroom.offload.probe.Spread;
import io.greenroom.offload.store.Checkpoint;
import io.greenroom.offload.store.ExpertSpans;
import io.greenroom.offload.store.ExpertWeights;
import io.greenroom.offload.store.ModelSpec;
import io.greenroom.offload.store.SlotPlan;
import io.greenroom.offload.store.TensorSpan;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.LongSupplier;

/**
 * How long a token of a model takes to compute on this machine when every expert is resident: the
 * model's own decoder over weights of its shapes and types whose bytes are made up. Reads nothing
 * but the checkpoint's header.
 *
 * @param tokenSeconds of one token of one request
 * @param expertSeconds of these, one expert
 * @param kernels what computed
 */
public record ComputeProbe(Spread tokenSeconds, double expertSeconds, String kernels) {

    /*
     * All matrices are views of one block of memory, one after the other and again from the start,
     * so that it does not take as much memory as the model. It is far larger than the processor's
     * caches, or else as large as the model, so that weights come from where the model's would.
     */
    private static final long MOST_BYTES = 192L << 20;

    /** Bytes that are ordinary numbers in every type: 1.06 in half precision, 0.01 in others. */
    private static final byte PATTERN = 0x3C;

    private static final int CONTEXT = 256;
    private static final int WARM_TOKENS = 3;
    private static final int LEAST_TOKENS = 5;
    private static final int ALIGNMENT = 64;
    private static final double NANOS = 1e9;

    /**
     * Computes tokens for a while.
     *
     * @param nanos about how long; longer where the fewest tokens take more
     * @throws io.greenroom.offload.memory.NativeMemoryException if the system refuses the memory
     */
    public static ComputeProbe of(Checkpoint checkpoint, ModelOptions options, long nanos)
            throws InterruptedException {
        ResourceStack resources = new ResourceStack();
        try {
            Kernels kernels =
                    MoeModels.kernels(options); // as the model will have them, threads and all
            if (kernels instanceof AutoCloseable closeable) {
                resources.push(closeable);
            }
            return run(checkpoint, options, nanos, kernels, resources, System::nanoTime);
        } finally {
            resources.close();
        }
    }

    static ComputeProbe run(
            Checkpoint checkpoint,
            ModelOptions options,
            long nanos,
            Kernels kernels,
            ResourceStack resources,
            LongSupplier clock)
            throws InterruptedException {
        ModelSpec spec = checkpoint.spec();
        NativeAllocator allocator = new NativeAllocator();
        Pool pool = new Pool(allocator, checkpoint, resources);
        MemoryPlan plan =
                MemoryPlan.of(
                        spec,
                        single(spec, options),
                        0,
                        Long.MAX_VALUE,
                        left -> new SlotPlan(left, 1, 1));
        KvCache kv = new KvCache(kvPages(spec, options, plan, allocator, resources));
        Scratch scratch =
                Scratch.in(
                        resources.push(
                                allocator.allocate(
                                        MemoryTag.ACTIVATIONS, plan.scratch().bytes(), ALIGNMENT)),
                        plan.scratch());
        RopeTable.fill(spec, kernels, scratch.rope());
        ExpertCache cache =
                resources.push(
                        ExpertCache.builder(new AtOnce())
                                .shape(spec.layers(), spec.experts())
                                .slots(plan.totalExperts())
                                .floor(spec.expertsPerToken())
                                .build());
        ModelLoader.Assembly assembly =
                new ModelLoader.Assembly(
                        spec,
                        pool.weights(),
                        null,
                        new YieldingRows(
                                cache,
                                scratch.x().rows(),
                                spec.expertsPerToken(),
                                new RoutingTally()),
                        RoutingObserver.all(List.of()),
                        kernels,
                        kv,
                        scratch,
                        new ExpertStage.Experts(cache, (id, slot) -> pool.expert(id)),
                        null);
        Tokens tokens = new Tokens(assembly.decoder(), kv.reserve(plan.contextLength()), clock);
        Spread token = tokens.run(nanos * 3 / 4, plan.contextLength());
        return new ComputeProbe(
                token,
                expertSeconds(spec, pool, kernels, scratch, nanos / 4, clock),
                kernels.describe());
    }

    private static ModelOptions single(ModelSpec spec, ModelOptions options) {
        return ModelOptions.builder()
                .contextLength(Math.min(CONTEXT, spec.contextLength()))
                .kvType(options.kvType())
                .maxConcurrent(1)
                .prefillChunk(1)
                .build();
    }

    private static KvPages kvPages(
            ModelSpec spec,
            ModelOptions options,
            MemoryPlan plan,
            NativeAllocator allocator,
            ResourceStack resources) {
        NativeMemory memory =
                resources.push(allocator.allocate(MemoryTag.KV_CACHE, plan.kvBytes(), ALIGNMENT));
        return new KvPages(
                memory,
                options.kvType(),
                spec.layers(),
                plan.kvPages(),
                KvCache.PAGE_SIZE,
                spec.kvHeads(),
                spec.headDim());
    }

    private static double expertSeconds(
            ModelSpec spec,
            Pool pool,
            Kernels kernels,
            Scratch scratch,
            long nanos,
            LongSupplier clock) {
        int layer = 0;
        while (!spec.moeLayers()[layer]) {
            layer++;
        }
        int[] row = {0};
        List<Double> seconds = new ArrayList<>();
        long start = clock.getAsLong();
        while (seconds.size() < LEAST_TOKENS || clock.getAsLong() - start < nanos) {
            ExpertWeights expert =
                    pool.expert(new ExpertId(layer, seconds.size() % spec.experts()));
            long before = clock.getAsLong();
            kernels.feedForward(
                    expert.gate(),
                    expert.up(),
                    expert.down(),
                    scratch.normed(),
                    row,
                    row,
                    1,
                    scratch.partial());
            seconds.add((clock.getAsLong() - before) / NANOS);
        }
        return Spread.of(seconds.stream().mapToDouble(Double::doubleValue).toArray()).median();
    }

    /** Decodes one sequence, whatever comes out. */
    private static final class Tokens {

        private final BatchDecoder decoder;
        private final int[] pages;
        private final LongSupplier clock;
        private final Batch batch = new Batch(1, 1);

        Tokens(BatchDecoder decoder, int[] pages, LongSupplier clock) {
            this.decoder = decoder;
            this.pages = pages;
            this.clock = clock;
        }

        Spread run(long nanos, int context) throws InterruptedException {
            for (int i = 0; i < WARM_TOKENS; i++) {
                token(i % context);
            }
            List<Double> seconds = new ArrayList<>();
            long start = clock.getAsLong();
            while (seconds.size() < LEAST_TOKENS || clock.getAsLong() - start < nanos) {
                long before = clock.getAsLong();
                token((WARM_TOKENS + seconds.size()) % context);
                seconds.add((clock.getAsLong() - before) / NANOS);
            }
            return Spread.of(seconds.stream().mapToDouble(Double::doubleValue).toArray());
        }

        private void token(int position) throws InterruptedException {
            batch.clear();
            batch.addSequence(pages);
            batch.addRow(0, position, true);
            decoder.forward(batch);
            Throwable failure = batch.failure(0);
            if (failure != null) {
                throw new IllegalStateException(
                        "The time of a token could not be measured: " + failure.getMessage(),
                        failure);
            }
            decoder.logits(batch, (sequence, at, logits) -> {});
        }
    }

    /** A loader that has nothing to do. */
    private static final class AtOnce implements ExpertLoader {

        @Override
        public CompletableFuture<Void> load(ExpertId id, int slot, LoadPriority priority) {
            return CompletableFuture.completedFuture(null);
        }

        @Override
        public void promote(ExpertId id) {}
    }

    /** Made-up weights. */
    private static final class Pool implements ModelWeights.Tensors {

        private final Checkpoint checkpoint;
        private final NativeMemory memory;
        private final ModelSpec spec;
        private long next;

        Pool(NativeAllocator allocator, Checkpoint checkpoint, ResourceStack resources) {
            this.checkpoint = checkpoint;
            this.spec = checkpoint.spec();
            memory =
                    resources.push(
                            allocator.allocate(
                                    MemoryTag.DENSE_WEIGHTS, bytes(checkpoint), ALIGNMENT));
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
}
