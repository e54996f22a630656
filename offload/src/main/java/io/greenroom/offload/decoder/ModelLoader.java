package io.greenroom.offload.decoder;

import io.greenroom.cache.BudgetShares;
import io.greenroom.cache.CacheListener;
import io.greenroom.cache.ExpertCache;
import io.greenroom.cache.ExpertId;
import io.greenroom.cache.ExpertLoader;
import io.greenroom.cache.SharedBudget;
import io.greenroom.cache.trace.RoutingTraceWriter;
import io.greenroom.cache.trace.TraceHeader;
import io.greenroom.cache.usage.ExpertUsage;
import io.greenroom.gating.Gate;
import io.greenroom.gating.SoftmaxTopKGate;
import io.greenroom.gating.predict.CrossLayerGatePredictor;
import io.greenroom.gating.predict.GuessCorrection;
import io.greenroom.gating.predict.PrefetchAudit;
import io.greenroom.gating.residency.Importance;
import io.greenroom.gating.residency.RoutingTally;
import io.greenroom.offload.jfr.FlightEvents;
import io.greenroom.offload.kernel.ActivationPrecision;
import io.greenroom.offload.kernel.Activations;
import io.greenroom.offload.kernel.Kernels;
import io.greenroom.offload.kernel.KvPages;
import io.greenroom.offload.kernel.WeightMatrix;
import io.greenroom.offload.memory.MemoryTag;
import io.greenroom.offload.memory.NativeAllocator;
import io.greenroom.offload.memory.NativeMemoryException;
import io.greenroom.offload.memory.SlotArena;
import io.greenroom.offload.store.Checkpoint;
import io.greenroom.offload.store.CheckpointException;
import io.greenroom.offload.store.DenseLoader;
import io.greenroom.offload.store.ExpertLayout;
import io.greenroom.offload.store.ExpertReader;
import io.greenroom.offload.store.ModelSpec;
import io.greenroom.offload.store.SlotPlan;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.LongSupplier;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Puts a model together. Everything taken on the way is given back if a later step fails.
 *
 * @param allocator of all native memory
 * @param kernels makes kernels
 * @param reading wraps the readers of experts and of their copies
 * @param available memory this process may still take
 * @param loadTimeout longest wait for an expert
 * @param total budget over all models, of which this one takes its share
 */
record ModelLoader(
        NativeAllocator allocator,
        KernelsFactory kernels,
        UnaryOperator<ExpertLoader> reading,
        LongSupplier available,
        Duration loadTimeout,
        SharedBudget total) {

    /** Makes the kernels of a model. */
    @FunctionalInterface
    interface KernelsFactory {
        Kernels create(int threads, ActivationPrecision activations);
    }

    private static final Logger LOG = LoggerFactory.getLogger(ModelLoader.class);

    private static final int ALIGNMENT = 64;

    /** Prefetch of a batch may hint at this many times the experts of one token. */
    private static final int HINTS_PER_CHOSEN = 2;

    ServingModel load(Checkpoint checkpoint, ModelOptions options, DenseLoader.Progress progress)
            throws IOException {
        return load(checkpoint, options, null, progress);
    }

    /**
     * @param study watches the model, or null
     */
    ServingModel load(
            Checkpoint checkpoint,
            ModelOptions options,
            @Nullable PredictionStudy study,
            DenseLoader.Progress progress)
            throws IOException {
        ResourceStack resources = new ResourceStack();
        try {
            return load(checkpoint, options, study, progress, resources);
        } catch (IOException | RuntimeException | Error e) {
            try {
                resources.close();
            } catch (RuntimeException notReleased) {
                e.addSuppressed(notReleased);
            }
            throw e;
        }
    }

    private ServingModel load(
            Checkpoint checkpoint,
            ModelOptions options,
            @Nullable PredictionStudy study,
            DenseLoader.Progress progress,
            ResourceStack resources)
            throws IOException {
        ModelSpec spec = checkpoint.spec();
        ExpertLayout layout = ExpertLayout.of(checkpoint);
        MixedPrecision mixed = options.mixedPrecision();
        LowBitCopies.Source copySource =
                mixed == null ? null : LowBitCopies.Source.open(mixed, checkpoint);
        SlotPlan.Copies copyShare = copySource == null ? null : copySource.share();
        long availableBytes = available.getAsLong();
        MemoryPlan alone =
                MemoryPlan.of(
                        spec,
                        options,
                        DenseLoader.denseBytes(checkpoint),
                        availableBytes,
                        left ->
                                SlotPlan.of(
                                        options.budget(),
                                        layout,
                                        copyShare,
                                        spec.expertsPerToken(),
                                        left));
        ModelBudget.Floor floor =
                ModelBudget.floor(
                        options.budgetFloor(),
                        layout,
                        spec.expertsPerToken(),
                        alone.experts().slots());
        SharedBudget.Share share =
                resources.push(join(checkpoint, options, alone.experts(), floor));
        MemoryPlan plan = alone.withSlots(share.slots());
        plan.warning(availableBytes)
                .ifPresent(warning -> LOG.warn("{}: {}", checkpoint.location(), warning));
        Kernels compute = kernels.create(threads(options), options.activations());
        if (compute instanceof AutoCloseable closeable) {
            resources.push(closeable);
        }
        SlotArena arena = resources.push(arena(layout, alone.experts().slots()));
        KvCache kvCache = new KvCache(kvPages(spec, options, plan, resources));
        Scratch scratch = scratch(plan, resources);
        RopeTable.fill(spec, compute, scratch.rope());
        ModelWeights weights;
        try (DenseLoader loader =
                new DenseLoader(checkpoint, allocator, options.directIo(), progress)) {
            weights =
                    ModelWeights.assemble(
                            spec,
                            new DenseWeights(checkpoint, loader, allocator, compute, resources));
        }
        ExpertReader reader =
                resources.push(
                        ExpertReader.open(
                                layout,
                                arena,
                                options.directIo(),
                                ExpertReader.DEFAULT_LANES,
                                options.linkLimit()));
        ExpertUsage usage = new ExpertUsage(spec.layers(), spec.experts(), layout::expertBytes);
        ModelMeters meters = new ModelMeters(spec.layers());
        LowBitCopies.Opened openedCopies =
                copySource == null ? null : open(copySource, alone.experts(), options, resources);
        HeldSlots held =
                share.hold(
                        slots -> {
                            ExpertCache experts =
                                    resources.push(
                                            ExpertCache.builder(reading.apply(reader))
                                                    .shape(spec.layers(), spec.experts())
                                                    .slots(slots)
                                                    .capacity(arena.slots())
                                                    .floor(spec.expertsPerToken())
                                                    .policy(
                                                            options.cachePolicy(),
                                                            options.slotSplit()
                                                                    .over(spec.moeLayers()))
                                                    .expertBytes(layout::expertBytes)
                                                    .loadTimeout(loadTimeout)
                                                    .listener(
                                                            CacheListener.all(
                                                                    usage,
                                                                    meters.experts(),
                                                                    flight(checkpoint, layout)))
                                                    .build());
                            LowBitCopies beside =
                                    openedCopies == null
                                            ? null
                                            : openedCopies.hold(
                                                    alone.experts().copySlots(slots),
                                                    expertBytes(spec, layout),
                                                    scratch.x().rows(),
                                                    reading,
                                                    loadTimeout,
                                                    CacheListener.all(
                                                            meters.copies(),
                                                            stalls(usage),
                                                            flightOfCopies(
                                                                    checkpoint,
                                                                    openedCopies.source())),
                                                    resources);
                            return new HeldSlots(experts, arena, beside, alone.experts());
                        });
        ExpertCache cache = held.cache();
        LowBitCopies copies = held.copies();
        ModelBudget budget =
                new ModelBudget(
                        layout,
                        held,
                        share,
                        floor,
                        () -> left(plan, availableBytes, held),
                        options.budget(),
                        alone.experts());
        TransferScheduler transfers =
                transfers(
                        spec,
                        options,
                        plan,
                        weights,
                        cache,
                        compute,
                        scratch,
                        new TransferScheduler.Link(
                                reader::use, System::nanoTime, expertBytes(spec, layout)));
        TraceRecorder recorder =
                options.trace() == null
                        ? null
                        : resources.push(recorder(checkpoint, layout, options, compute, scratch));
        List<RoutingObserver> observers = new ArrayList<>();
        observers.add(counting(usage));
        observers.add(meters.steps());
        ScoreObserver scores = cache.usesScores() ? new ScoreObserver(cache, spec.experts()) : null;
        if (scores != null) {
            observers.add(scores);
        }
        LiveCurve curve = resources.push(LiveCurve.of(checkpoint, layout, cache, options, scores));
        observers.add(curve);
        ExpertStage.Slots slots = new SlotViews(reader::weights, spec);
        if (options.routing().exchanges()) {
            BackgroundSwaps.Manner manner =
                    BackgroundSwaps.Manner.of(options.routing().swaps(), spec);
            Importance importance =
                    new Importance(spec.layers(), spec.experts(), manner.halfLifeTokens());
            observers.add(
                    new BackgroundSwaps(
                            cache, compute, importance, manner, spec, scratch.x().rows()));
            slots = measured(slots, importance, spec, compute, resources);
        }
        if (recorder != null) {
            observers.add(recorder);
            if (transfers != null) {
                transfers.tell(recorder);
            }
        }
        RoutingTally routingTally = new RoutingTally();
        if (study != null) {
            observers.add(
                    study.attach(
                            new StudyObserver(
                                    study, spec, weights, compute, cache, scratch, allocator,
                                    resources)));
        }
        Assembly assembly =
                new Assembly(
                        spec,
                        weights,
                        transfers,
                        new YieldingRows(
                                cache,
                                scratch.x().rows(),
                                spec.expertsPerToken(),
                                routingTally,
                                usage),
                        RoutingObserver.all(observers),
                        compute,
                        kvCache,
                        scratch,
                        new ExpertStage.Experts(cache, slots, options.overlap()),
                        copies);
        Scheduler scheduler =
                new Scheduler(
                        "decoder-" + checkpoint.location().getFileName(),
                        Scheduler.Limits.of(spec, options, plan.contextLength()),
                        assembly.decoder(),
                        kvCache,
                        resources::close);
        ServingModel model =
                new ServingModel(
                        checkpoint,
                        plan,
                        cache,
                        budget,
                        copies,
                        usage,
                        transfers,
                        scheduler,
                        options.routing(),
                        routingTally,
                        recorder,
                        curve,
                        meters);
        scheduler.start();
        LOG.info(
                "Loaded {} ({}): {}, kernels {}, prefetch {}",
                checkpoint.location(),
                spec.family(),
                plan,
                compute.describe(),
                options.prefetch());
        return model;
    }

    private static CacheListener flight(Checkpoint checkpoint, ExpertLayout layout) {
        return FlightEvents.listener(
                new FlightEvents.Source(
                        modelName(checkpoint),
                        false,
                        checkpoint.spec().experts(),
                        layout.slotBytes(),
                        layout::expertBytes));
    }

    private static CacheListener flightOfCopies(Checkpoint checkpoint, LowBitCopies.Source copies) {
        return FlightEvents.listener(
                new FlightEvents.Source(
                        modelName(checkpoint),
                        true,
                        checkpoint.spec().experts(),
                        copies.layout().slotBytes(),
                        copies.layout()::expertBytes));
    }

    private static String modelName(Checkpoint checkpoint) {
        return String.valueOf(checkpoint.location().getFileName());
    }

    /** Bytes of an expert in each layer; 0 where there are none. */
    private static long[] expertBytes(ModelSpec spec, ExpertLayout layout) {
        return IntStream.range(0, spec.layers())
                .mapToLong(
                        layer ->
                                spec.moeLayers()[layer]
                                        ? layout.expertBytes(new ExpertId(layer, 0))
                                        : 0)
                .toArray();
    }

    private ExpertStage.Slots measured(
            ExpertStage.Slots slots,
            Importance importance,
            ModelSpec spec,
            Kernels compute,
            ResourceStack resources) {
        int widest = Math.max(spec.hidden(), spec.expertHidden());
        return new ExpertNorms(
                slots,
                importance,
                compute,
                resources.push(
                        allocator.allocate(
                                MemoryTag.ACTIVATIONS, ExpertNorms.bytes(widest), ALIGNMENT)),
                widest);
    }

    private SharedBudget.Share join(
            Checkpoint checkpoint, ModelOptions options, SlotPlan alone, ModelBudget.Floor floor)
            throws IOException {
        BudgetShares.Claim claim =
                new BudgetShares.Claim(
                        String.valueOf(checkpoint.location().getFileName()),
                        alone.bytesPerSlot(),
                        alone.copySlotBytes(),
                        floor.slots(),
                        alone.slots(),
                        options.budgetWeight());
        try {
            return total.join(claim, loadTimeout);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException(
                    "Interrupted while other models made room for " + checkpoint.location());
        }
    }

    private LowBitCopies.Opened open(
            LowBitCopies.Source source,
            SlotPlan plan,
            ModelOptions options,
            ResourceStack resources)
            throws CheckpointException {
        SlotArena arena = resources.push(arena(source.layout(), plan.copySlots()));
        ExpertReader reader =
                resources.push(
                        ExpertReader.open(
                                source.layout(),
                                arena,
                                options.directIo(),
                                ExpertReader.DEFAULT_LANES));
        return new LowBitCopies.Opened(source, arena, reader);
    }

    /** Addresses for all experts, so that the budget can grow; or for as many as it allows now. */
    private SlotArena arena(ExpertLayout layout, int now) {
        try {
            return SlotArena.allocate(allocator, layout.slotBytes(), layout.experts());
        } catch (NativeMemoryException e) {
            LOG.warn(
                    "The budget cannot grow beyond {} experts until the model is loaded again: {}",
                    now,
                    e.getMessage());
            return SlotArena.allocate(allocator, layout.slotBytes(), now);
        }
    }

    /**
     * What "auto" may take later. Of the KV cache nobody knows how much is real by now: what was
     * left at load took all of it into account.
     */
    private long left(MemoryPlan plan, long atLoad, HeldSlots held) {
        long now = available.getAsLong() + held.committedBytes();
        long leftAtLoad = atLoad - plan.totalBytes() + plan.arenaBytes();
        return Math.max(0, Math.max(now - plan.kvBytes(), Math.min(leftAtLoad, now)));
    }

    private static RoutingObserver counting(ExpertUsage usage) {
        return (layer, batch, input, logits, decision) ->
                usage.routed(layer, decision.experts(), decision.experts().length);
    }

    /** Of the copies' cache only the waiting counts: copies are no experts. */
    private static CacheListener stalls(ExpertUsage usage) {
        return new CacheListener() {
            @Override
            public void on(Event event, ExpertId id, int slot) {}

            @Override
            public void settled(ExpertId id, long stallNanos) {
                usage.settled(id, stallNanos);
            }
        };
    }

    private static TraceRecorder recorder(
            Checkpoint checkpoint,
            ExpertLayout layout,
            ModelOptions options,
            Kernels compute,
            Scratch scratch)
            throws IOException {
        TraceOptions trace = Objects.requireNonNull(options.trace());
        boolean predicted = options.prefetch() != ModelOptions.Prefetch.OFF;
        TraceHeader header = TraceFile.header(checkpoint, layout, trace.topSet(), predicted);
        RoutingTraceWriter writer = TraceFile.create(trace, checkpoint.location(), header);
        LOG.info("Recording the routing of {} in {}", checkpoint.location(), writer.file());
        return new TraceRecorder(
                        header,
                        writer,
                        trace.limit().bytes(),
                        new TraceRecorder.Shape(
                                checkpoint.spec().hidden(),
                                options.maxConcurrent(),
                                scratch.x().rows(),
                                predicted ? scratch.predictedLogits().rows() : 0),
                        compute)
                .start();
    }

    private static int threads(ModelOptions options) {
        return options.threads() == 0 ? PhysicalCores.available() : options.threads();
    }

    private KvPages kvPages(
            ModelSpec spec, ModelOptions options, MemoryPlan plan, ResourceStack resources) {
        return new KvPages(
                resources.push(allocator.allocate(MemoryTag.KV_CACHE, plan.kvBytes(), ALIGNMENT)),
                options.kvType(),
                spec.layers(),
                plan.kvPages(),
                KvCache.PAGE_SIZE,
                spec.kvHeads(),
                spec.headDim());
    }

    private Scratch scratch(MemoryPlan plan, ResourceStack resources) {
        long bytes = plan.scratch().bytes();
        return Scratch.in(
                resources.push(allocator.allocate(MemoryTag.ACTIVATIONS, bytes, ALIGNMENT)),
                plan.scratch());
    }

    private static @Nullable TransferScheduler transfers(
            ModelSpec spec,
            ModelOptions options,
            MemoryPlan plan,
            ModelWeights weights,
            ExpertCache cache,
            Kernels kernels,
            Scratch scratch,
            TransferScheduler.Link link) {
        if (options.prefetch() == ModelOptions.Prefetch.OFF) {
            return null;
        }
        @Nullable WeightMatrix[] routers = new WeightMatrix[spec.layers()];
        @Nullable Activations[] norms = new Activations[spec.layers()];
        for (int layer = 0; layer < routers.length; layer++) {
            if (weights.layers().get(layer).feedForward()
                    instanceof FeedForwardWeights.Routed routed) {
                routers[layer] = routed.router();
                norms[layer] = routed.norm();
            }
        }
        TransferScheduler transfers =
                new TransferScheduler(
                        new TransferScheduler.Routers(routers, norms, spec.rmsEpsilon()),
                        new CrossLayerGatePredictor(
                                spec.experts(),
                                spec.expertsPerToken(),
                                CrossLayerGatePredictor.Across.MAX),
                        cache,
                        kernels,
                        new TransferScheduler.Buffers(
                                scratch.predictedLogits(), scratch.projected()),
                        link,
                        new TransferScheduler.Limits(
                                HINTS_PER_CHOSEN * spec.expertsPerToken(),
                                spec.expertsPerToken(),
                                plan.totalExperts()),
                        options.prefetch() == ModelOptions.Prefetch.ON
                                ? null
                                : new PrefetchAudit(PrefetchAudit.Evidence.DEFAULT));
        transfers.correct(
                new GuessCorrection(
                        spec.layers(), spec.experts(), spec.expertsPerToken(), spec.vocabulary()));
        return transfers;
    }

    /** Connects layers with weights, buffers and experts. */
    record Assembly(
            ModelSpec spec,
            ModelWeights weights,
            @Nullable TransferScheduler transfers,
            YieldingRows yielding,
            RoutingObserver observer,
            Kernels kernels,
            KvCache kvCache,
            Scratch scratch,
            ExpertStage.Experts experts,
            @Nullable LowBitCopies copies) {

        MoeDecoder decoder() {
            Gate gate =
                    new SoftmaxTopKGate(
                            spec.experts(), spec.expertsPerToken(), spec.normalizeTopK());
            RoutedRows rows = RoutedRows.of(scratch.x().rows(), spec.experts());
            ExpertStage stage =
                    copies == null
                            ? new ExactExperts(experts, kernels, scratch, rows)
                            : copies.stage(experts, kernels, scratch, rows);
            List<DecoderLayer> layers = new ArrayList<>();
            for (int i = 0; i < spec.layers(); i++) {
                SelfAttention attention =
                        new SelfAttention(
                                i,
                                spec,
                                weights.layers().get(i).attention(),
                                kernels,
                                kvCache.pages(),
                                scratch);
                layers.add(new DecoderLayer(attention, feedForward(i, gate, stage, rows)));
            }
            return new MoeDecoder(
                    spec, weights, List.copyOf(layers), transfers, observer, kernels, scratch);
        }

        private FeedForward feedForward(int layer, Gate gate, ExpertStage stage, RoutedRows rows) {
            FeedForwardWeights half = weights.layers().get(layer).feedForward();
            if (half instanceof FeedForwardWeights.Dense dense) {
                return new DenseFeedForward(dense, spec.rmsEpsilon(), kernels, scratch, rows.all());
            }
            return new MoeFeedForward(
                    layer,
                    spec.rmsEpsilon(),
                    (FeedForwardWeights.Routed) half,
                    gate,
                    stage,
                    transfers,
                    yielding,
                    observer,
                    kernels,
                    scratch,
                    rows);
        }
    }
}
