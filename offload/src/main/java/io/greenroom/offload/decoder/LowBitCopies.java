package io.greenroom.offload.decoder;

import io.greenroom.cache.CacheStats;
import io.greenroom.cache.ExpertCache;
import io.greenroom.cache.ExpertLoader;
import io.greenroom.gating.precision.PrecisionChooser;
import io.greenroom.offload.kernel.Kernels;
import io.greenroom.offload.lowbit.CheckedReader;
import io.greenroom.offload.lowbit.LowBitFile;
import io.greenroom.offload.memory.NativeAllocator;
import io.greenroom.offload.memory.SlotArena;
import io.greenroom.offload.store.Checkpoint;
import io.greenroom.offload.store.CheckpointException;
import io.greenroom.offload.store.ExpertLayout;
import io.greenroom.offload.store.ExpertReader;
import io.greenroom.offload.store.Fingerprint;
import io.greenroom.offload.store.ModelSpec;
import io.greenroom.offload.store.SlotPlan;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.function.UnaryOperator;

/**
 * The low-bit copies of a loaded model's experts: their slots, reader and cache, and the account of
 * what they change. Copies are never hinted at: what a prediction is worth reading for is the
 * expert.
 */
final class LowBitCopies {

    private final MixedPrecision settings;
    private final LowBitFile file;
    private final ExpertReader reader;
    private final ExpertCache cache;
    private final MixedAccount account;

    private LowBitCopies(
            MixedPrecision settings,
            LowBitFile file,
            ExpertReader reader,
            ExpertCache cache,
            MixedAccount account) {
        this.settings = settings;
        this.file = file;
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
            Path location = checkpoint.location();
            Path folder =
                    Files.isDirectory(location) ? location : location.toAbsolutePath().getParent();
            Path path = folder == null ? settings.file() : folder.resolve(settings.file());
            LowBitFile file = LowBitFile.open(path, checkpoint.spec(), Fingerprint.of(checkpoint));
            return new Source(settings, file, ExpertLayout.of(file));
        }

        /** Their part of the budget. */
        SlotPlan.Copies share() {
            return new SlotPlan.Copies(layout, settings.budgetShare());
        }
    }

    /**
     * Takes slots and opens reader and cache.
     *
     * @param expertBytes of an expert in full, in each layer
     * @param reading wraps the reader
     * @param rows most rows of a batch
     * @param resources takes what is to be closed
     */
    static LowBitCopies open(
            Source source,
            SlotPlan plan,
            long[] expertBytes,
            int rows,
            NativeAllocator allocator,
            boolean directIo,
            UnaryOperator<ExpertLoader> reading,
            Duration loadTimeout,
            ResourceStack resources)
            throws CheckpointException {
        ModelSpec spec = source.file().spec();
        SlotArena arena =
                resources.push(
                        SlotArena.allocate(
                                allocator, source.layout().slotBytes(), plan.copySlots()));
        ExpertReader reader =
                resources.push(
                        ExpertReader.open(
                                source.layout(), arena, directIo, ExpertReader.DEFAULT_LANES));
        ExpertLoader checked = new CheckedReader(reader, source.file(), arena);
        ExpertCache cache =
                resources.push(
                        ExpertCache.builder(reading.apply(checked))
                                .shape(spec.layers(), spec.experts())
                                .slots(plan.copySlots())
                                .expertBytes(source.layout()::expertBytes)
                                .loadTimeout(loadTimeout)
                                .build());
        MixedAccount account = new MixedAccount(rows, expertBytes, source.file().copyBytes());
        return new LowBitCopies(source.settings(), source.file(), reader, cache, account);
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

    ExpertCache cache() {
        return cache;
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
