package io.greenroom.offload.decoder;

import io.greenroom.cache.CacheStats;
import io.greenroom.cache.ExpertBudget;
import io.greenroom.cache.ExpertId;
import io.greenroom.cache.heat.Heat;
import io.greenroom.cache.usage.UsageSnapshot;
import io.greenroom.gating.precision.PrecisionCost;
import io.greenroom.gating.precision.PrecisionRule;
import io.greenroom.gating.residency.RoutingCost;
import io.greenroom.gating.residency.RoutingDial;
import io.greenroom.offload.lowbit.LowBitType;
import io.greenroom.offload.store.Checkpoint;
import java.nio.file.Path;
import java.util.Collection;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * A loaded model: dense weights in memory, experts paged under a budget, and one scheduler thread
 * that decodes all its requests together. Thread-safe.
 */
public interface MoeModel extends AutoCloseable {

    Checkpoint checkpoint();

    /** Longest context of one request, prompt and output together, in tokens. */
    int contextLength();

    /**
     * Queues a generation; returns at once.
     *
     * @throws ContextLengthException if the prompt leaves no room for a token
     * @throws OverloadedException if the queue is full or the model is closing
     * @throws IllegalArgumentException if the prompt is empty or names a token the model lacks
     */
    Generation submit(GenerationRequest request, TokenListener listener);

    /** Budget, residency and counters now. */
    Status status();

    /**
     * Changes the expert budget while requests run. No request fails or changes because of it. A
     * larger budget can be used at once; for a smaller one experts leave in small steps. May take a
     * while: experts' memory is given back by the caller's thread.
     *
     * @throws io.greenroom.offload.store.InsufficientBudgetException if it is below the floor, with
     *     the smallest that works
     * @throws io.greenroom.cache.BudgetExceededException if other models have a right to a part of
     *     it under their common total
     * @throws IllegalArgumentException if the system has no addresses for it
     * @throws IllegalStateException if the model is closed
     */
    BudgetChange setBudget(ExpertBudget budget);

    /** The expert budget as it was asked for last. */
    ExpertBudget budget();

    /** Between which limits {@link #setBudget} makes a difference. */
    BudgetRange budgetRange();

    /** How requests are routed, and what that has cost. */
    Routing routing();

    /** What each expert was used for since the load. */
    UsageSnapshot usage();

    /** How long things took since the load, and how requests ended. */
    MeterReadings meters();

    /**
     * Reads the experts that were hottest elsewhere, as many as fit into the budget, hottest first,
     * and tells the eviction policy of their heat; returns at once. Meant for before the first
     * request. Nothing leaves for it, a request's reads go first, and no token changes: what is
     * read early is what would be read later. Low-bit copies are not among it.
     *
     * @return how many were read, once that has ended; cancelling it, or {@link #close}, ends it
     *     after the reads under way
     * @throws IllegalArgumentException if the heat is of a model with other layers or experts
     * @throws IllegalStateException if the model is closed
     */
    CompletableFuture<Integer> warm(Heat heat);

    /** Experts in memory now, in no particular order. */
    Collection<ExpertId> residents();

    /** Who is in memory now. Layers are looked at one after another, so that nobody waits long. */
    Residency residency();

    /** How far recording of the routing has come, or null if it is not recorded. */
    default @Nullable TraceStatus trace() {
        return null;
    }

    /** What other budgets would bring the present traffic; unknown before the first tokens. */
    default BudgetCurve missRatioCurve() {
        return BudgetCurve.UNKNOWN;
    }

    /** What mixed precision does; empty where it is off. */
    default Optional<MixedStatus> mixedPrecision() {
        return Optional.empty();
    }

    /** What prefetch is doing now, and why. */
    PrefetchStatus prefetch();

    /**
     * Ends running and waiting generations with {@link FinishReason#UNLOADED}, frees all memory.
     */
    @Override
    void close();

    /**
     * How far requests yield to resident experts.
     *
     * @param standard what requests get that ask for nothing
     * @param limit the furthest any request gets
     * @param cost what yielding has cost since load, all requests together
     */
    record Routing(RoutingDial standard, RoutingDial limit, RoutingCost cost) {}

    /**
     * Low-bit copies, and what they change.
     *
     * @param file where they are
     * @param type of the copies
     * @param rule which experts they may replace
     * @param copyBytes of one copy
     * @param slots for copies
     * @param resident copies in slots
     * @param cost what was changed since load, all requests together
     * @param cache counters of the copies' cache, which are also part of {@link Status#cache}
     */
    record MixedStatus(
            Path file,
            LowBitType type,
            PrecisionRule rule,
            long copyBytes,
            int slots,
            int resident,
            PrecisionCost cost,
            CacheStats cache) {}

    /**
     * A snapshot for operators.
     *
     * @param budgetBytes expert bytes the budget allows; after it was lowered, no less than experts
     *     still take
     * @param arenaBytes native bytes the slots take once all were used; never above {@code
     *     budgetBytes}
     * @param slotBytes bytes of one slot
     * @param slots number of slots
     * @param residentExperts experts in slots
     * @param totalExperts routed experts of the model
     * @param denseBytes bytes of weights always resident
     * @param kvBytes bytes of the KV cache
     * @param running requests being decoded
     * @param queued requests waiting
     * @param tokensIn prompt tokens processed since load
     * @param tokensOut tokens produced since load
     * @param cache counters of the expert cache; with mixed precision, of both caches together
     */
    record Status(
            long budgetBytes,
            long arenaBytes,
            long slotBytes,
            int slots,
            int residentExperts,
            int totalExperts,
            long denseBytes,
            long kvBytes,
            int running,
            int queued,
            long tokensIn,
            long tokensOut,
            CacheStats cache) {}
}
