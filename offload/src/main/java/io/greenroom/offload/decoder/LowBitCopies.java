package io.greenroom.offload.decoder;

import io.greenroom.cache.CacheListener;
import io.greenroom.cache.CacheStats;
import io.greenroom.cache.ExpertCache;
import io.greenroom.cache.ExpertLoader;
import io.greenroom.gating.precision.PrecisionChooser;
import io.greenroom.offload.kernel.Kernels;
import io.greenroom.offload.lowbit.CheckedReader;
import io.greenroom.offload.lowbit.LowBitFile;
import io.greenroom.offload.memory.SlotArena;
import io.greenroom.offload.store.Checkpoint;
import io.greenroom.offload.store.CheckpointException;
import io.greenroom.offload.store.ExpertLayout;
import io.greenroom.offload.store.ExpertReader;
import io.greenroom.offload.store.ModelSpec;
import io.greenroom.offload.store.SlotPlan;
import java.time.Duration;
import java.util.BitSet;
import java.util.concurrent.CompletableFuture;
import java.util.function.UnaryOperator;

/**
 * The low-bit copies of a loaded model's experts: their slots, reader and cache, and the account of
 * what they change. Copies are never hinted at: what a prediction is worth reading for is the
 * expert.
 */
final class LowBitCopies {

    private final MixedPrecision settings;
    private final LowBitFile file;
    private final SlotArena arena;
    private final ExpertReader reader;
    private final ExpertCache cache;
    private final MixedAccount account;

    private LowBitCopies(
            MixedPrecision settings,
            LowBitFile file,
            SlotArena arena,
            ExpertReader reader,
            ExpertCache cache,
            MixedAccount account) {
        this.settings = settings;
        this.file = file;
        this.arena = arena;
        this.reader = reader;
        this.cache = cache;
        this.account = account;
    }

    /**
     * A file of copies, checked against the model.
     *
     * @param file the copies
     * @param layout how they lie in slots
     */
    record Source(MixedPrecision settings, LowBitFile file, ExpertLayout layout) {

        static Source open(MixedPrecision settings, Checkpoint checkpoint)
                throws CheckpointException {
            LowBitFile file = settings.open(checkpoint);
            return new Source(settings, file, ExpertLayout.of(file));
        }

        /** Their part of the budget. */
        SlotPlan.Copies share() {
            return new SlotPlan.Copies(layout, settings.budgetShare());
        }
    }

    /**
     * Copies that can be read, but have no slots yet.
     *
     * @param arena with room for the most there may be
     */
    record Opened(Source source, SlotArena arena, ExpertReader reader) {

        /**
         * Begins to hold copies.
         *
         * @param slots at first
         * @param expertBytes of an expert in full, in each layer
         * @param rows most rows of a batch
         * @param reading wraps the reader
         * @param listener is told of every event
         * @param resources takes what is to be closed
         */
        LowBitCopies hold(
                int slots,
                long[] expertBytes,
                int rows,
                UnaryOperator<ExpertLoader> reading,
                Duration loadTimeout,
                CacheListener listener,
                ResourceStack resources) {
            LowBitFile file = source.file();
            ExpertLoader checked = new CheckedReader(reader, file, arena);
            ExpertCache cache =
                    resources.push(
                            ExpertCache.builder(reading.apply(checked))
                                    .shape(file.spec().layers(), file.spec().experts())
                                    .slots(Math.min(slots, arena.slots()))
                                    .capacity(arena.slots())
                                    .expertBytes(source.layout()::expertBytes)
                                    .loadTimeout(loadTimeout)
                                    .listener(listener)
                                    .build());
            MixedAccount account = new MixedAccount(rows, expertBytes, file.copyBytes());
            return new LowBitCopies(source.settings(), file, arena, reader, cache, account);
        }
    }

    /** Changes the number of slots, as {@link ExpertCache#resize}. */
    CompletableFuture<Integer> resize(int slots) {
        return cache.resize(Math.min(slots, cache.capacity()));
    }

    /** As {@link ExpertCache#residentsOf}. */
    void residentsOf(int layer, BitSet into) {
        cache.residentsOf(layer, into);
    }

    int slots() {
        return cache.slots();
    }

    /** Bytes of slots that are memory. */
    long committedBytes() {
        return arena.committedBytes();
    }

    /** Where experts are computed in mixed precision. */
    ExpertStage stage(ExpertStage.Experts full, Kernels kernels, Scratch scratch, RoutedRows rows) {
        ModelSpec spec = file.spec();
        return new MixedExperts(
                full,
                new ExpertStage.Experts(cache, new SlotViews(reader::weights, spec)),
                new PrecisionChooser(settings.rule(), spec.experts()),
                settings.skipped(),
                account,
                spec.layers(),
                kernels,
                scratch,
                rows);
    }

    CacheStats stats() {
        return cache.stats();
    }

    MoeModel.MixedStatus status() {
        return new MoeModel.MixedStatus(
                file.location(),
                file.type(),
                settings.rule(),
                file.copyBytes(),
                cache.slots(),
                cache.residents().size(),
                account.total(),
                cache.stats());
    }
}
