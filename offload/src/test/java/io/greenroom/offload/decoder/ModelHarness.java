package io.greenroom.offload.decoder;

import io.greenroom.cache.ExpertBudget;
import io.greenroom.cache.ExpertId;
import io.greenroom.cache.ExpertLoader;
import io.greenroom.cache.LoadPriority;
import io.greenroom.cache.SharedBudget;
import io.greenroom.offload.kernel.ActivationPrecision;
import io.greenroom.offload.kernel.Kernels;
import io.greenroom.offload.kernel.KvPages;
import io.greenroom.offload.kernel.NativeKernels;
import io.greenroom.offload.memory.LeakCheck;
import io.greenroom.offload.memory.MemoryTag;
import io.greenroom.offload.memory.NativeAllocator;
import io.greenroom.offload.store.Checkpoint;
import io.greenroom.offload.store.DenseLoader;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.LongAccumulator;
import java.util.function.IntFunction;
import java.util.stream.IntStream;

/**
 * Loads models as {@link MoeModels} does, on memory that is poisoned when freed, with a reader that
 * can be made to fail or hang. Closing it demands that all memory has come home.
 */
final class ModelHarness implements AutoCloseable {

    private static final long PLENTY = 1L << 32;

    private final NativeAllocator allocator = new NativeAllocator(NativeAllocator.OnClose.POISON);
    private final LeakCheck leakCheck = new LeakCheck(allocator);
    private final Set<ExpertId> read = ConcurrentHashMap.newKeySet();
    private final Set<ExpertId> broken = ConcurrentHashMap.newKeySet();
    private final Set<ExpertId> hanging = ConcurrentHashMap.newKeySet();
    private final List<CompletableFuture<Void>> hung = new ArrayList<>();
    private final Semaphore hangs = new Semaphore(0);
    private final LongAccumulator largestArenas = new LongAccumulator(Math::max, 0);
    private volatile Runnable whenRead = () -> {};
    private Duration loadTimeout = Duration.ofSeconds(60);
    private ModelLoader.KernelsFactory kernels = NativeKernels::new;
    private SharedBudget total = SharedBudget.unlimited();

    ModelHarness kernels(IntFunction<Kernels> newKernels) {
        kernels = (threads, activations) -> newKernels.apply(threads);
        return this;
    }

    ModelHarness loadTimeout(Duration timeout) {
        loadTimeout = timeout;
        return this;
    }

    ModelHarness total(SharedBudget budget) {
        total = budget;
        return this;
    }

    ServingModel load(Checkpoint checkpoint, ModelOptions options) throws IOException {
        return load(checkpoint, options, (done, all) -> {});
    }

    ServingModel load(Checkpoint checkpoint, ModelOptions options, DenseLoader.Progress progress)
            throws IOException {
        return new ModelLoader(allocator, kernels, Reader::new, () -> PLENTY, loadTimeout, total)
                .load(checkpoint, options, progress);
    }

    /** Expert bytes there are now. */
    long arenas() {
        return allocator.snapshot().of(MemoryTag.EXPERT_ARENA).bytes();
    }

    /** The most expert bytes there were when a read began. */
    long largestArenas() {
        return largestArenas.get();
    }

    ServingModel loadWatched(Checkpoint checkpoint, ModelOptions options, PredictionStudy study)
            throws IOException {
        return new ModelLoader(allocator, kernels, Reader::new, () -> PLENTY, loadTimeout, total)
                .load(checkpoint, options, study, (done, all) -> {});
    }

    /** What is called whenever a read has begun, on the thread that began it. */
    ModelHarness whenRead(Runnable action) {
        whenRead = action;
        return this;
    }

    /** Native bytes of experts now. */
    long expertBytes() {
        return allocator.snapshot().of(MemoryTag.EXPERT_ARENA).bytes();
    }

    /** Experts read so far; forgets them. */
    Set<ExpertId> takeRead() {
        Set<ExpertId> taken = Set.copyOf(read);
        read.clear();
        return taken;
    }

    void breakReads(ExpertId id) {
        broken.add(id);
    }

    void repair() {
        broken.clear();
    }

    /** Reads of this expert begin and do not end before {@link #endHungReads}. */
    void hangReads(ExpertId id) {
        hanging.add(id);
    }

    void awaitHungRead() throws InterruptedException {
        hangs.acquire();
    }

    void endHungReads() {
        hanging.clear();
        synchronized (hung) {
            hung.forEach(read -> read.completeExceptionally(new IOException("ended by the test")));
            hung.clear();
        }
    }

    @Override
    public void close() {
        leakCheck.close();
    }

    static ModelOptions options(String budget) {
        return options(budget, ModelOptions.Prefetch.OFF, 4, 16, 1);
    }

    static ModelOptions options(
            String budget, ModelOptions.Prefetch prefetch, int concurrent, int chunk, int threads) {
        return options(
                budget,
                prefetch,
                KvPages.Type.F32,
                ActivationPrecision.FLOAT32,
                concurrent,
                chunk,
                threads);
    }

    static ModelOptions options(
            String budget,
            ModelOptions.Prefetch prefetch,
            KvPages.Type kvType,
            ActivationPrecision activations,
            int concurrent,
            int chunk,
            int threads) {
        return builder(budget)
                .prefetch(prefetch)
                .kvType(kvType)
                .activations(activations)
                .maxConcurrent(concurrent)
                .prefillChunk(chunk)
                .threads(threads)
                .build();
    }

    /** Options of a small model without prefetch, on the way. */
    static ModelOptions.Builder builder(String budget) {
        return ModelOptions.builder()
                .budget(ExpertBudget.parse(budget))
                .prefetch(ModelOptions.Prefetch.OFF)
                .maxConcurrent(4)
                .maxQueued(16)
                .prefillChunk(16)
                .threads(1);
    }

    static RecordingListener generate(ServingModel model, int[] prompt, int tokens) {
        RecordingListener listener = new RecordingListener();
        model.submit(
                new GenerationRequest(prompt, tokens, SamplingParameters.GREEDY, Set.of()),
                listener);
        return listener;
    }

    /** A prompt of its own for each seed. */
    static int[] prompt(int seed, int length, int vocabulary) {
        return IntStream.range(0, length)
                .map(i -> Math.floorMod(seed * 31 + i * (7 + seed) + i * i, vocabulary))
                .toArray();
    }

    private final class Reader implements ExpertLoader {

        private final ExpertLoader reader;

        Reader(ExpertLoader reader) {
            this.reader = reader;
        }

        @Override
        public CompletableFuture<Void> load(ExpertId id, int slot, LoadPriority priority) {
            read.add(id);
            largestArenas.accumulate(allocator.snapshot().of(MemoryTag.EXPERT_ARENA).bytes());
            if (broken.contains(id)) {
                return CompletableFuture.failedFuture(new IOException("the disk is gone"));
            }
            if (hanging.contains(id)) {
                CompletableFuture<Void> never = new CompletableFuture<>();
                synchronized (hung) {
                    hung.add(never);
                }
                hangs.release();
                return never;
            }
            CompletableFuture<Void> load = reader.load(id, slot, priority);
            whenRead.run();
            return load;
        }

        @Override
        public void promote(ExpertId id) {
            reader.promote(id);
        }

        @Override
        public boolean cancel(ExpertId id) {
            return reader.cancel(id);
        }

        @Override
        public void slotRetired(int slot) {
            reader.slotRetired(slot);
        }
    }
}
