package io.greenroom.offload.decoder;

import static org.assertj.core.api.Assertions.assertThat;

import io.greenroom.cache.CacheStats;
import io.greenroom.cache.ExpertCache;
import io.greenroom.cache.ExpertId;
import io.greenroom.cache.ExpertLease;
import io.greenroom.cache.ExpertVisit;
import io.greenroom.cache.policy.PolicyName;
import io.greenroom.gating.RoutingDecision;
import io.greenroom.gating.predict.ExpertPredictor;
import io.greenroom.gating.predict.PrefetchAudit;
import io.greenroom.gating.predict.PrefetchHint;
import io.greenroom.gating.predict.PrefetchPlan;
import io.greenroom.offload.kernel.Activations;
import io.greenroom.offload.kernel.JavaKernels;
import io.greenroom.offload.kernel.TensorType;
import io.greenroom.offload.kernel.WeightMatrix;
import io.greenroom.offload.memory.MemoryTag;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Whole walks of a decoder through its layers, with the real cache and the real scheduler, over a
 * simulated link and clock: what prefetch brings, and that it never hurts.
 */
class TransferSimulationTest {

    private static final int LAYERS = 6;
    private static final int EXPERTS = 32;
    private static final int CHOSEN = 4;
    private static final int SLOTS = 96;
    private static final long MICRO = 1000;

    /** An expert of 1 MB in pieces of an eighth, at 1 GB/s: a millisecond. */
    private static final long EXPERT_BYTES = 1_000_000;

    private static final long PIECE_BYTES = EXPERT_BYTES / 8;

    /** What a prediction takes: a router's product with a row. */
    private static final long PREDICTION_NANOS = 10 * MICRO;

    /** A decoder of experts that do nothing but take time. */
    private static final class Walk {

        private final SimulatedLink link = new SimulatedLink(EXPERT_BYTES, PIECE_BYTES, 1);
        private final ExpertCache cache =
                ExpertCache.builder(link)
                        .shape(LAYERS, EXPERTS)
                        .slots(SLOTS)
                        .floor(CHOSEN)
                        .policy(PolicyName.REUSE, null)
                        .clock(link::now)
                        .expertBytes(id -> EXPERT_BYTES)
                        .build();
        private final @Nullable TransferScheduler scheduler;
        private final Activations input = activations(1, 2);
        private final Batch batch = new Batch(1, 1);
        private final Random routing = new Random(5);
        private final Random guessing = new Random(6);
        private final int[][] last = new int[LAYERS][];
        private int[][] chosen = new int[LAYERS][];
        private double accuracy;

        Walk(ModelOptions.Prefetch mode, double accuracy) {
            this.accuracy = accuracy;
            scheduler =
                    mode == ModelOptions.Prefetch.OFF
                            ? null
                            : scheduler(
                                    mode == ModelOptions.Prefetch.ON
                                            ? null
                                            : new PrefetchAudit(PrefetchAudit.Evidence.DEFAULT));
        }

        private TransferScheduler scheduler(@Nullable PrefetchAudit audit) {
            WeightMatrix router =
                    new WeightMatrix(
                            new DirectMemory(MemoryTag.DENSE_WEIGHTS, 2L * EXPERTS * Float.BYTES),
                            0,
                            TensorType.F32,
                            EXPERTS,
                            2);
            @Nullable WeightMatrix[] routers = new WeightMatrix[LAYERS];
            Arrays.fill(routers, router);
            @Nullable Activations[] norms = new Activations[LAYERS];
            Arrays.fill(norms, activations(1, 2));
            long[] bytes = new long[LAYERS];
            Arrays.fill(bytes, EXPERT_BYTES);
            ExpertPredictor predictor =
                    (layer, logits, tokens, resident, width) -> foresee(layer, width);
            return new TransferScheduler(
                    new TransferScheduler.Routers(routers, norms, 1e-6f),
                    predictor,
                    cache,
                    new JavaKernels(),
                    new TransferScheduler.Buffers(activations(1, EXPERTS), activations(1, 2)),
                    new TransferScheduler.Link(link::use, link::now, bytes),
                    new TransferScheduler.Limits(2 * CHOSEN, CHOSEN, LAYERS * EXPERTS),
                    audit);
        }

        /** The truth for some experts, anything for the others; below 0 always wrong. */
        private PrefetchPlan foresee(int layer, int width) {
            link.advance(PREDICTION_NANOS);
            List<PrefetchHint> hints = new ArrayList<>();
            boolean[] named = new boolean[EXPERTS];
            for (int expert : chosen[layer]) {
                int guess = guessing.nextDouble() < accuracy ? expert : guessing.nextInt(EXPERTS);
                while (accuracy < 0 && contains(chosen[layer], guess)) {
                    guess = guessing.nextInt(EXPERTS);
                }
                ExpertId id = new ExpertId(layer, guess);
                if (!named[guess] && !cache.isResident(id) && hints.size() < width) {
                    named[guess] = true;
                    hints.add(new PrefetchHint(id, 1));
                }
            }
            return new PrefetchPlan(hints);
        }

        private static boolean contains(int[] experts, int wanted) {
            return Arrays.stream(experts).anyMatch(expert -> expert == wanted);
        }

        /** Half of a layer's experts are those of the token before, the others are anybody. */
        private void route() {
            for (int layer = 0; layer < LAYERS; layer++) {
                int[] experts = routing.ints(0, EXPERTS).distinct().limit(CHOSEN).toArray();
                int[] before = last[layer];
                for (int i = 0; before != null && i < CHOSEN / 2; i++) {
                    int expert = before[i];
                    if (!contains(experts, expert)) {
                        experts[CHOSEN - 1 - i] = expert;
                    }
                }
                last[layer] = experts;
                chosen[layer] = experts;
            }
        }

        /** Decodes, with so much time between a layer's experts and the next gate. */
        long steps(int count, long attentionNanos, long expertNanos) throws Exception {
            long begin = link.now();
            for (int i = 0; i < count; i++) {
                route();
                batch.clear();
                batch.addSequence(new int[] {0});
                batch.addRow(1, 0, false);
                if (scheduler != null) {
                    scheduler.stepBegins(batch, input);
                }
                for (int layer = 0; layer < LAYERS; layer++) {
                    link.advance(attentionNanos);
                    layer(layer, expertNanos);
                }
                if (scheduler != null) {
                    scheduler.stepDone();
                }
            }
            return link.now() - begin;
        }

        private void layer(int layer, long expertNanos) throws Exception {
            int[] experts = chosen[layer];
            if (scheduler != null) {
                scheduler.routed(layer, new RoutingDecision(1, CHOSEN, experts, new float[CHOSEN]));
            }
            try (ExpertVisit visit = cache.visit(layer, experts)) {
                if (scheduler != null) {
                    scheduler.afterDemand(layer, input, 1);
                }
                for (ExpertLease lease = visit.next(); lease != null; lease = visit.next()) {
                    link.advance(expertNanos);
                    lease.close();
                }
            }
            if (scheduler != null) {
                scheduler.demandDone(layer);
            }
        }

        /** All slots come home, and every guess is accounted for. */
        void close() {
            assertThat(link.longestDelay()).isLessThanOrEqualTo(PIECE_BYTES);
            CacheStats stats = cache.stats();
            long settled =
                    stats.prefetchUseful()
                            + stats.prefetchLate()
                            + stats.prefetchWasted()
                            + stats.background().hintsCancelled();
            assertThat(stats.prefetchIssued() - settled).isBetween(0L, (long) 4 * CHOSEN);
            link.advance(1_000_000 * MICRO);
            cache.close();
            assertThat(cache.residents()).isEmpty();
        }

        private static Activations activations(int rows, int cols) {
            long bytes = (long) rows * cols * Float.BYTES;
            return new Activations(new DirectMemory(MemoryTag.ACTIVATIONS, bytes), 0, rows, cols);
        }
    }

    private static long time(
            ModelOptions.Prefetch mode, double accuracy, long attentionNanos, long expertNanos)
            throws Exception {
        Walk walk = new Walk(mode, accuracy);
        walk.steps(100, attentionNanos, expertNanos);
        long nanos = walk.steps(3000, attentionNanos, expertNanos);
        walk.close();
        return nanos;
    }

    /** From a link that never idles to one that mostly does; from useless guesses to perfect. */
    @ParameterizedTest
    @CsvSource({
        "0, 0.8",
        "10, 0.8",
        "10, 0",
        "100, 0",
        "100, 0.3",
        "100, 0.8",
        "300, 0",
        "300, 0.1",
        "300, 0.8",
        "1000, 0",
        "1000, 0.5",
        "1000, 1",
        "5000, 0",
        "5000, 0.2",
        "5000, 0.8"
    })
    void autoNeverHurts(long attentionMicros, double accuracy) throws Exception {
        long attention = attentionMicros * MICRO;
        double off = time(ModelOptions.Prefetch.OFF, accuracy, attention, 20 * MICRO);
        double auto = time(ModelOptions.Prefetch.AUTO, accuracy, attention, 20 * MICRO);
        assertThat(auto / off).as("time against off").isLessThan(1.01);
    }

    @Test
    void whereTheLinkIdlesAndGuessesAreGoodAutoGainsNearlyAsMuchAsOn() throws Exception {
        double off = time(ModelOptions.Prefetch.OFF, 0.85, 2000 * MICRO, 20 * MICRO);
        double on = time(ModelOptions.Prefetch.ON, 0.85, 2000 * MICRO, 20 * MICRO);
        double auto = time(ModelOptions.Prefetch.AUTO, 0.85, 2000 * MICRO, 20 * MICRO);
        assertThat(off / on).as("what there is to gain").isGreaterThan(1.15);
        assertThat(off - auto).isGreaterThan(0.85 * (off - on));
    }

    @Test
    void onASaturatedLinkNothingIsGuessedOrPredicted() throws Exception {
        Walk walk = new Walk(ModelOptions.Prefetch.AUTO, 0.9);
        walk.steps(300, 0, MICRO);
        TransferScheduler scheduler = walk.scheduler;
        assertThat(scheduler).isNotNull();
        assertThat(scheduler.status().on()).isFalse();
        assertThat(scheduler.status().reason()).startsWith("off: the link is busy");
        assertThat(scheduler.status().recall().chosen()).isZero();
        assertThat(walk.cache.stats().prefetchIssued()).isZero();
        walk.close();
    }

    @Test
    void autoIsOffWithAReasonWhileGuessesAreUselessAndOnAgainWhenTheyAreNot() throws Exception {
        Walk walk = new Walk(ModelOptions.Prefetch.AUTO, -1);
        walk.steps(400, 2000 * MICRO, 20 * MICRO);
        TransferScheduler scheduler = walk.scheduler;
        assertThat(scheduler).isNotNull();
        assertThat(scheduler.status().on()).isFalse();
        assertThat(scheduler.status().reason()).startsWith("off for ").contains(" less with it ");
        walk.accuracy = 0.9;
        walk.steps(1500, 2000 * MICRO, 20 * MICRO);
        assertThat(scheduler.status().reason()).startsWith("on: a step takes ");
        walk.close();
    }

    @Test
    void whenAnotherProcessTakesTheDiskAutoStopsAndComesBackAfterwards() throws Exception {
        Walk walk = new Walk(ModelOptions.Prefetch.AUTO, 0.9);
        walk.steps(400, 1000 * MICRO, 20 * MICRO);
        TransferScheduler scheduler = walk.scheduler;
        assertThat(scheduler).isNotNull();
        assertThat(scheduler.status().on()).isTrue();
        walk.link.speed(0.05);
        walk.steps(400, 1000 * MICRO, 20 * MICRO);
        assertThat(scheduler.status().reason()).startsWith("off: the link is busy");
        walk.link.speed(1);
        walk.steps(600, 1000 * MICRO, 20 * MICRO);
        assertThat(scheduler.status().on()).isTrue();
        walk.close();
    }
}
