package io.greenroom.offload.decoder;

import io.greenroom.cache.ExpertBudget;
import io.greenroom.cache.ExpertCache;
import io.greenroom.cache.ExpertId;
import io.greenroom.cache.heat.Heat;
import io.greenroom.cache.usage.ExpertUsage;
import io.greenroom.cache.usage.UsageSnapshot;
import io.greenroom.gating.residency.RoutingCost;
import io.greenroom.gating.residency.RoutingTally;
import io.greenroom.offload.store.Checkpoint;
import io.greenroom.offload.store.ModelSpec;
import java.util.BitSet;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A loaded model, as {@link MoeModels} puts it together. Thread-safe. */
public final class ServingModel implements MoeModel, LogitsEvaluator {

    private static final Logger LOG = LoggerFactory.getLogger(ServingModel.class);

    /** A step of a large prompt on a slow disk may take a while; more than this is a hang. */
    private static final long CLOSE_SECONDS = 90;

    private final Checkpoint checkpoint;
    private final MemoryPlan plan;
    private final ExpertCache cache;
    private final ModelBudget budget;
    private final @Nullable LowBitCopies copies;
    private final ExpertUsage usage;
    private final @Nullable TransferScheduler transfers;
    private final Scheduler scheduler;
    private final RoutingSettings routing;
    private final RoutingTally routingTally;
    private final @Nullable TraceRecorder recorder;
    private final LiveCurve curve;
    private final ModelMeters meters;
    private final TokenHeap heap = new TokenHeap();
    private volatile CompletableFuture<Integer> warmUp = CompletableFuture.completedFuture(0);

    /**
     * @param copies of experts, or null
     * @param scheduler not yet started
     * @param routing how far requests yield to residents
     * @param routingTally what that costs, all requests together
     * @param recorder of a trace, or null
     * @param meters of times and endings
     */
    ServingModel(
            Checkpoint checkpoint,
            MemoryPlan plan,
            ExpertCache cache,
            ModelBudget budget,
            @Nullable LowBitCopies copies,
            ExpertUsage usage,
            @Nullable TransferScheduler transfers,
            Scheduler scheduler,
            RoutingSettings routing,
            RoutingTally routingTally,
            @Nullable TraceRecorder recorder,
            LiveCurve curve,
            ModelMeters meters) {
        this.checkpoint = checkpoint;
        this.plan = plan;
        this.cache = cache;
        this.budget = budget;
        this.copies = copies;
        this.usage = usage;
        this.transfers = transfers;
        this.scheduler = scheduler;
        this.routing = routing;
        this.routingTally = routingTally;
        this.recorder = recorder;
        this.curve = curve;
        this.meters = meters;
    }

    @Override
    public Checkpoint checkpoint() {
        return checkpoint;
    }

    @Override
    public int contextLength() {
        return plan.contextLength();
    }

    @Override
    public Generation submit(GenerationRequest request, TokenListener listener) {
        int[] prompt = request.prompt();
        scheduler.checkTokens(prompt, 1);
        int room = plan.contextLength() - prompt.length;
        int limit = request.maxTokens() == 0 ? room : Math.min(request.maxTokens(), room);
        GenerationSession session =
                new GenerationSession(
                        request,
                        limit,
                        routing.of(request),
                        listener,
                        heap,
                        System::nanoTime,
                        meters);
        try {
            scheduler.submit(session);
        } catch (OverloadedException e) {
            meters.rejected();
            throw e;
        }
        return session;
    }

    @Override
    public RoutingCost evaluate(EvaluationRequest request, Visitor visitor) {
        if (scheduler.isSchedulerThread()) {
            throw new IllegalStateException(
                    "A listener cannot wait for an evaluation: it runs on the thread that would"
                            + " compute it");
        }
        scheduler.checkTokens(request.tokens(), 0);
        EvaluationSession session =
                new EvaluationSession(request, routing.of(request.routing()), visitor);
        scheduler.submit(session);
        try {
            session.done().get();
            return session.routingCost();
        } catch (InterruptedException e) {
            session.cancel();
            Thread.currentThread().interrupt();
            CancellationException cancelled =
                    new CancellationException("Interrupted while waiting for the evaluation");
            cancelled.initCause(e);
            throw cancelled;
        } catch (ExecutionException e) {
            throw new CompletionException("The evaluation failed: " + message(e), e.getCause());
        }
    }

    private static String message(Exception e) {
        Throwable cause = e.getCause() == null ? e : e.getCause();
        return String.valueOf(cause.getMessage());
    }

    @Override
    public BudgetChange setBudget(ExpertBudget newBudget) {
        BudgetChange change = budget.set(newBudget);
        LOG.info(
                "{}: expert budget {}, {} of {} experts where there were {}",
                checkpoint.location(),
                newBudget,
                change.after().slots(),
                plan.totalExperts(),
                change.before().slots());
        return change;
    }

    @Override
    public ExpertBudget budget() {
        return budget.asked();
    }

    @Override
    public BudgetRange budgetRange() {
        return budget.range();
    }

    @Override
    public Status status() {
        BudgetChange.Size size = budget.size();
        return new Status(
                size.bytes(),
                budget.arenaBytes(),
                budget.slotBytes(),
                size.slots(),
                cache.residentCount(),
                plan.totalExperts(),
                plan.denseBytes(),
                plan.kvBytes(),
                scheduler.running(),
                scheduler.queued(),
                meters.tokensIn(),
                meters.tokensOut(),
                copies == null ? cache.stats() : cache.stats().plus(copies.stats()));
    }

    @Override
    public Optional<MixedStatus> mixedPrecision() {
        return Optional.ofNullable(copies).map(LowBitCopies::status);
    }

    @Override
    public Routing routing() {
        return new Routing(routing.standard(), routing.limit(), routingTally.cost());
    }

    @Override
    public UsageSnapshot usage() {
        return usage.snapshot();
    }

    @Override
    public MeterReadings meters() {
        return meters.read(plan.kvPages(), scheduler.kvPagesUsed());
    }

    @Override
    public CompletableFuture<Integer> warm(Heat heat) {
        ModelSpec spec = checkpoint.spec();
        if (!heat.fits(spec.layers(), spec.experts())) {
            throw new IllegalArgumentException(
                    "The heat is of a model of "
                            + heat.layers()
                            + " layers of "
                            + heat.experts()
                            + " experts; "
                            + checkpoint.location()
                            + " has "
                            + spec.layers()
                            + " of "
                            + spec.experts());
        }
        for (int layer = 0; layer < spec.layers(); layer++) {
            if (spec.moeLayers()[layer]) {
                cache.expected(layer, heat.shares(layer));
            }
        }
        List<ExpertId> hottest =
                heat.hottest(plan.totalExperts()).stream()
                        .filter(id -> spec.moeLayers()[id.layer()])
                        .limit(cache.slots())
                        .toList();
        CompletableFuture<Integer> reading = cache.warm(hottest);
        warmUp = reading;
        return reading;
    }

    @Override
    public Collection<ExpertId> residents() {
        return cache.residents();
    }

    @Override
    public Residency residency() {
        ModelSpec spec = checkpoint.spec();
        int experts = spec.experts();
        BitSet routed = new BitSet(spec.layers());
        BitSet resident = new BitSet(spec.layers() * experts);
        BitSet copied = new BitSet(copies == null ? 0 : spec.layers() * experts);
        BitSet ofLayer = new BitSet(experts);
        for (int layer = 0; layer < spec.layers(); layer++) {
            if (!spec.moeLayers()[layer]) {
                continue;
            }
            routed.set(layer);
            cache.residentsOf(layer, ofLayer);
            add(ofLayer, layer * experts, resident);
            if (copies != null) {
                copies.residentsOf(layer, ofLayer);
                add(ofLayer, layer * experts, copied);
            }
        }
        return new Residency(spec.layers(), experts, routed, resident, copied);
    }

    private static void add(BitSet from, int offset, BitSet to) {
        for (int i = from.nextSetBit(0); i >= 0; i = from.nextSetBit(i + 1)) {
            to.set(offset + i);
        }
    }

    @Override
    public @Nullable TraceStatus trace() {
        return recorder == null ? null : recorder.status();
    }

    @Override
    public PrefetchStatus prefetch() {
        return transfers == null ? PrefetchStatus.OFF : transfers.status();
    }

    @Override
    public BudgetCurve missRatioCurve() {
        return curve.curve();
    }

    /**
     * {@inheritDoc}
     *
     * <p>Returns when all memory is free. Called from a listener it returns at once, and memory is
     * freed after the listener has returned. Closing twice is harmless.
     */
    @Override
    public void close() {
        warmUp.cancel(false);
        if (!scheduler.close(CLOSE_SECONDS, TimeUnit.SECONDS) && !scheduler.isSchedulerThread()) {
            LOG.error(
                    "{} still runs a step or a listener {} s after its unload began; its memory is"
                            + " freed when that returns",
                    checkpoint.location(),
                    CLOSE_SECONDS);
        }
    }
}
