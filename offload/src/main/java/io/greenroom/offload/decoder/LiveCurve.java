package io.greenroom.offload.decoder;

import io.greenroom.cache.CacheStats;
import io.greenroom.cache.ExpertCache;
import io.greenroom.cache.ExpertId;
import io.greenroom.cache.plan.GhostCurve;
import io.greenroom.cache.plan.GhostFeed;
import io.greenroom.cache.plan.MissRatioCurve;
import io.greenroom.cache.policy.CacheShape;
import io.greenroom.gating.RoutingDecision;
import io.greenroom.offload.kernel.Activations;
import io.greenroom.offload.store.Checkpoint;
import io.greenroom.offload.store.ExpertLayout;
import io.greenroom.offload.store.ModelSpec;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.OptionalDouble;
import java.util.concurrent.Executor;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Learns from a model's own traffic what other budgets would bring it. Notes on the scheduler's
 * thread, computes on another; what it says can be asked for on any.
 */
final class LiveCurve implements RoutingObserver, AutoCloseable {

    /** Fewer misses than these say little about how long one takes. */
    private static final double FEW_MISSES = 64;

    /** After so many tokens, traffic from before counts half. */
    private static final int HALF_LIFE = 512;

    /** A model that is idle for so long gives its thread back. */
    private static final long IDLE_SECONDS = 10;

    private final GhostCurve ghosts;
    private final GhostFeed feed;
    private final ExpertCache cache;
    private final @Nullable ScoreObserver scores;
    private final StepTimes times;
    private final long slotBytes;
    private final long missBytes;
    private final BitSet seen;
    private final int[] distinct; // [experts]
    private final Runnable end;

    /**
     * @param scores tells the cache of scores before this is told of the routing, or null
     * @param layers of the model
     * @param experts of each layer
     * @param slotBytes memory of a resident expert
     * @param missBytes bytes of a read, on average
     * @param executor runs one short task at a time
     * @param end ends the executor
     * @param clock nanoseconds
     */
    LiveCurve(
            GhostCurve ghosts,
            ExpertCache cache,
            @Nullable ScoreObserver scores,
            int layers,
            int experts,
            long slotBytes,
            long missBytes,
            Executor executor,
            Runnable end,
            LongSupplier clock) {
        this.ghosts = ghosts;
        this.feed = new GhostFeed(ghosts, executor, layers, experts);
        this.cache = cache;
        this.scores = scores;
        this.times = new StepTimes(clock, () -> cache.stats().stallNanos());
        this.slotBytes = slotBytes;
        this.missBytes = missBytes;
        this.seen = new BitSet(experts);
        this.distinct = new int[experts];
        this.end = end;
    }

    /**
     * For a model being loaded; a thread of its own computes while the model is busy.
     *
     * @param scores tells the cache of scores before this is told of the routing, or null
     */
    static LiveCurve of(
            Checkpoint checkpoint,
            ExpertLayout layout,
            ExpertCache cache,
            ModelOptions options,
            @Nullable ScoreObserver scores) {
        ModelSpec spec = checkpoint.spec();
        CacheShape shape = new CacheShape(spec.layers(), spec.experts(), spec.expertsPerToken());
        String name = "ghosts-" + checkpoint.location().getFileName();
        ThreadPoolExecutor executor =
                new ThreadPoolExecutor(
                        0,
                        1,
                        IDLE_SECONDS,
                        TimeUnit.SECONDS,
                        new LinkedBlockingQueue<>(),
                        task -> {
                            Thread thread = new Thread(task, name);
                            thread.setDaemon(true);
                            return thread;
                        });
        return new LiveCurve(
                new GhostCurve(
                        shape,
                        spec.moeLayers(),
                        options.cachePolicy(),
                        options.slotSplit().over(spec.moeLayers()),
                        HALF_LIFE),
                cache,
                scores,
                spec.layers(),
                spec.experts(),
                layout.slotBytes(),
                meanBytes(spec, layout),
                executor,
                executor::shutdownNow,
                System::nanoTime);
    }

    private static long meanBytes(ModelSpec spec, ExpertLayout layout) {
        long sum = 0;
        int layers = 0;
        for (int layer = 0; layer < spec.layers(); layer++) {
            if (spec.moeLayers()[layer]) {
                sum += layout.expertBytes(new ExpertId(layer, 0));
                layers++;
            }
        }
        return sum / Math.max(1, layers);
    }

    /** Stops learning. */
    @Override
    public void close() {
        end.run();
    }

    @Override
    public void routed(
            int layer, Batch batch, Activations input, float[] logits, RoutingDecision decision) {
        int count = 0;
        for (int expert : decision.experts()) {
            if (!seen.get(expert)) {
                seen.set(expert);
                distinct[count++] = expert;
            }
        }
        for (int i = 0; i < count; i++) {
            seen.clear(distinct[i]);
        }
        feed.visit(layer, distinct, count, scores == null ? null : scores.latest());
    }

    @Override
    public void stepDone(Batch batch) {
        boolean decode = isDecode(batch);
        feed.stepped(Math.max(1, batch.rows()), decode);
        times.stepped(Math.max(1, batch.rows()), decode);
    }

    /** Whether every row is the one row of a sequence that has produced a token before. */
    private static boolean isDecode(Batch batch) {
        if (batch.rows() == 0 || batch.rows() != batch.sequenceCount()) {
            return false;
        }
        for (int row = 0; row < batch.rows(); row++) {
            if (batch.positions()[row] == 0) {
                return false;
            }
        }
        return true;
    }

    /** What budgets of an eighth, two eighths and so on of all experts would bring. */
    BudgetCurve curve() {
        MissRatioCurve all = ghosts.all();
        MissRatioCurve decode = ghosts.decode();
        if (all.tokens() == 0) {
            return BudgetCurve.UNKNOWN;
        }
        List<BudgetCurve.Point> points = new ArrayList<>();
        for (int eighth = 1; eighth <= 8; eighth++) {
            int slots = (int) ((long) all.totalSlots() * eighth / 8);
            if (slots >= cache.floor()) {
                points.add(
                        new BudgetCurve.Point(
                                slots * slotBytes,
                                slots,
                                all.hitRate(slots),
                                decode.missesPerToken(slots) * missBytes,
                                tokensPerSecond(decode, slots)));
            }
        }
        return new BudgetCurve(all.tokens(), points);
    }

    /**
     * A token computes as long as now, and stalls in proportion to the misses of the ghosts: what
     * prefetch and overlap take off a miss now, they will then.
     */
    private OptionalDouble tokensPerSecond(MissRatioCurve decode, int slots) {
        OptionalDouble compute = times.computeSeconds();
        if (compute.isEmpty() || decode.tokens() == 0) {
            return OptionalDouble.empty();
        }
        double now = decode.missesPerToken(cache.slots());
        double stallPerMiss =
                now * decode.tokens() >= FEW_MISSES
                        ? times.stallSeconds() / now
                        : stallPerMissSinceLoad();
        double seconds = compute.getAsDouble() + decode.missesPerToken(slots) * stallPerMiss;
        return seconds > 0 ? OptionalDouble.of(1 / seconds) : OptionalDouble.empty();
    }

    /** While hardly anything is missing now: there were misses when the cache was empty. */
    private double stallPerMissSinceLoad() {
        CacheStats stats = cache.stats();
        return stats.misses() == 0 ? 0 : stats.stallNanos() / 1e9 / stats.misses();
    }
}
