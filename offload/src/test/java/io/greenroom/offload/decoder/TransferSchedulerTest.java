package io.greenroom.offload.decoder;

import static org.assertj.core.api.Assertions.assertThat;

import io.greenroom.cache.CacheStats;
import io.greenroom.cache.ExpertCache;
import io.greenroom.cache.ExpertId;
import io.greenroom.cache.ExpertVisit;
import io.greenroom.gating.RoutingDecision;
import io.greenroom.gating.predict.CrossLayerGatePredictor;
import io.greenroom.gating.predict.GuessCorrection;
import io.greenroom.gating.predict.PrefetchAudit;
import io.greenroom.gating.residency.RoutingDial;
import io.greenroom.gating.residency.RoutingTally;
import io.greenroom.offload.kernel.Activations;
import io.greenroom.offload.kernel.JavaKernels;
import io.greenroom.offload.kernel.Kernels;
import io.greenroom.offload.kernel.TensorType;
import io.greenroom.offload.kernel.WeightMatrix;
import io.greenroom.offload.memory.MemoryTag;
import io.greenroom.offload.memory.NativeMemory;
import io.greenroom.offload.store.LinkUse;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Steps on a clock and a link that the test turns by hand. */
class TransferSchedulerTest {

    private static final int EXPERTS = 4;
    private static final int TOTAL = 12;
    private static final long EXPERT_BYTES = 1_000_000; // a millisecond on this link
    private static final long MILLI = 1_000_000;
    private static final int MOST_ROWS = 2;

    private final Kernels kernels = new JavaKernels();
    private final FakeCache cache = new FakeCache();
    private final Activations input = activations(8, 2);
    private final Batch batch = new Batch(8, 4);
    private long now = 77;
    private LinkUse use = LinkUse.NONE;

    /** Layers 0, 2 and 3 have experts, layer 1 is dense. */
    private TransferScheduler scheduler(@Nullable PrefetchAudit audit) {
        // Expert e scores e * x[0] + x[1] * (e == 0).
        WeightMatrix router = router(0, 1, 1, 0, 2, 0, 3, 0);
        Activations norm = activations(1, 2);
        kernels.write(new float[] {1, 1}, 1, norm);
        return new TransferScheduler(
                new TransferScheduler.Routers(
                        new @Nullable WeightMatrix[] {router, null, router, router},
                        new @Nullable Activations[] {norm, null, norm, norm},
                        1e-6f),
                new CrossLayerGatePredictor(EXPERTS, 2, CrossLayerGatePredictor.Across.MAX),
                cache,
                kernels,
                new TransferScheduler.Buffers(activations(MOST_ROWS, EXPERTS), activations(8, 2)),
                new TransferScheduler.Link(
                        () -> use,
                        () -> now,
                        new long[] {EXPERT_BYTES, 0, EXPERT_BYTES, EXPERT_BYTES}),
                new TransferScheduler.Limits(3, 2, TOTAL),
                audit);
    }

    private static PrefetchAudit hasty() {
        return new PrefetchAudit(new PrefetchAudit.Evidence(4, 8, 16, 20, 80, 0.005));
    }

    /** On trial throughout a test: every other step is without. */
    private static PrefetchAudit patient() {
        return new PrefetchAudit(new PrefetchAudit.Evidence(1000, 1000, 16, 20, 80, 0.005));
    }

    /** A step in which the link idles before each layer for some time, then reads two experts. */
    private void step(TransferScheduler scheduler, int rows, int sequences, long idleNanos) {
        begin(scheduler, rows, sequences);
        for (int layer : new int[] {0, 2, 3}) {
            layer(scheduler, layer, rows, idleNanos);
        }
        scheduler.stepDone();
    }

    private void begin(TransferScheduler scheduler, int rows, int sequences) {
        batch.clear();
        for (int row = 0; row < rows; row++) {
            if (row < sequences) {
                batch.addSequence(new int[] {row});
            }
            batch.addRow(1, row, false);
        }
        scheduler.stepBegins(batch, input);
    }

    private void layer(TransferScheduler scheduler, int layer, int rows, long idleNanos) {
        now += idleNanos;
        int[] experts = new int[2 * rows];
        for (int i = 0; i < experts.length; i++) {
            experts[i] = 3 - i % 2;
        }
        scheduler.routed(layer, new RoutingDecision(rows, 2, experts, new float[2 * rows]));
        scheduler.afterDemand(layer, input, rows);
        now += 2 * MILLI;
        use =
                new LinkUse(
                        use.demandNanos() + 2 * MILLI,
                        use.guessNanos(),
                        use.demandBytes() + 2 * EXPERT_BYTES,
                        use.guessBytes());
        scheduler.demandDone(layer);
    }

    /** Until the averages say what happens. */
    private void usually(TransferScheduler scheduler, long idleNanos) {
        for (int i = 0; i < 60; i++) {
            step(scheduler, 1, 1, idleNanos);
        }
        cache.hints.clear();
        cache.expired.clear();
    }

    @Test
    void hintsWhatTheNextRouterChoosesBestFirstWithoutResidents() {
        kernels.write(new float[] {1, 0, 0, 9}, 2, input);
        TransferScheduler scheduler = scheduler(null);
        begin(scheduler, 1, 1);
        cache.hints.clear();
        scheduler.afterDemand(2, input, 1);
        assertThat(cache.hints).containsExactly(new ExpertId(3, 3), new ExpertId(3, 2));

        cache.resident.add(new ExpertId(3, 3));
        begin(scheduler, 2, 2);
        cache.hints.clear();
        scheduler.afterDemand(2, input, 2);
        assertThat(cache.hints)
                .as("the second row is certain of expert 0")
                .startsWith(new ExpertId(3, 0))
                .contains(new ExpertId(3, 2))
                .doesNotContain(new ExpertId(3, 3));
    }

    @Test
    void hintsNothingForRequestsThatLiveByTheResidentSet() {
        kernels.write(new float[] {1, 0, 0, 9}, 2, input);
        TransferScheduler scheduler = scheduler(null);
        SessionRouting resident = new SessionRouting(RoutingDial.EXACT, RoutingDial.RESIDENT);
        batch.clear();
        batch.addSequence(new int[] {0}, resident, false, new RoutingTally());
        batch.addRow(1, 0, false);
        scheduler.stepBegins(batch, input);
        scheduler.afterDemand(2, input, 1);
        scheduler.stepDone();
        assertThat(cache.hints).isEmpty();

        // One that does not is reason enough to look ahead.
        batch.addSequence(new int[] {1});
        batch.addRow(1, 0, false);
        scheduler.stepBegins(batch, input);
        scheduler.afterDemand(2, input, 2);
        assertThat(cache.hints).isNotEmpty();
    }

    @Test
    void theFirstLayerIsForeseenFromTheEmbedding() {
        kernels.write(new float[] {1, 0}, 1, input);
        TransferScheduler scheduler = scheduler(null);
        begin(scheduler, 1, 1);
        assertThat(cache.hints).containsExactly(new ExpertId(0, 3), new ExpertId(0, 2));
        layer(scheduler, 0, 1, 0);
        assertThat(scheduler.status().layers().get(0).recall().atK()).isEqualTo(1);
        assertThat(cache.expired).containsExactly(0);
    }

    @Test
    void saysNothingForDenseLayersTheEndAndRowsThatLeft() {
        TransferScheduler scheduler = scheduler(null);
        begin(scheduler, 2, 2);
        cache.hints.clear();
        scheduler.afterDemand(0, input, 2);
        scheduler.afterDemand(3, input, 2);
        scheduler.afterDemand(2, input, 1);
        assertThat(cache.hints).isEmpty();
    }

    @Test
    void measuresHowWellItForesaw() {
        kernels.write(new float[] {1, 0}, 1, input);
        TransferScheduler scheduler = scheduler(null);
        begin(scheduler, 1, 1);
        scheduler.afterDemand(2, input, 1);
        scheduler.routed(3, decision(3, 0));
        assertThat(scheduler.status().recall().chosen()).isEqualTo(2);
        assertThat(scheduler.status().recall().atK()).isEqualTo(0.5);

        scheduler.routed(3, decision(3, 0)); // nothing was predicted for this one
        assertThat(scheduler.status().recall().chosen()).isEqualTo(2);
    }

    @Test
    void guessesOfALayerThatAsksAreCalledOffOnceItsOwnReadsAreOnTheirWay() {
        kernels.write(new float[] {1, 0}, 1, input);
        TransferScheduler scheduler = scheduler(null);
        begin(scheduler, 1, 1);
        scheduler.afterDemand(2, input, 1);
        assertThat(cache.expired).isEmpty();
        scheduler.routed(3, decision(3, 0));
        assertThat(cache.expired).as("promotions come first").isEmpty();
        scheduler.afterDemand(3, input, 1);
        assertThat(cache.expired).containsExactly(3);
        scheduler.afterDemand(3, input, 1);
        assertThat(cache.expired).as("no lock is taken for nothing").containsExactly(3);
    }

    @Test
    void nothingIsReadOrPredictedAheadOnABusyLink() {
        kernels.write(new float[] {1, 0}, 1, input);
        TransferScheduler scheduler = scheduler(patient());
        assertThat(scheduler.status().reason()).isEqualTo("off: nothing was read yet");
        usually(scheduler, 0);
        step(scheduler, 1, 1, 0);
        PrefetchStatus status = scheduler.status();
        assertThat(status.on()).isFalse();
        assertThat(status.reason())
                .isEqualTo("off: the link is busy, nothing fits in before any layer");
        assertThat(status.idleShare()).isZero();
        assertThat(status.bytesPerSecond()).isEqualTo(1_000_000_000);
        assertThat(status.recall().chosen()).as("not even predicted").isZero();
        assertThat(cache.hints).isEmpty();
    }

    @Test
    void asManyAreReadAheadAsTheIdleLinkCarries() {
        kernels.write(new float[] {1, 0}, 1, input);
        TransferScheduler scheduler = scheduler(patient());
        usually(scheduler, MILLI); // one expert
        fourSteps(scheduler, MILLI);
        assertThat(cache.hints)
                .as("every other step is without")
                .containsExactly(
                        new ExpertId(0, 3),
                        new ExpertId(3, 3),
                        new ExpertId(0, 3),
                        new ExpertId(3, 3));
        assertThat(scheduler.status().idleShare()).isBetween(0.3, 0.35);
        usually(scheduler, 4 * MILLI); // four, but two are chosen
        fourSteps(scheduler, 4 * MILLI);
        assertThat(cache.hints).hasSize(8);
    }

    private void fourSteps(TransferScheduler scheduler, long idleNanos) {
        for (int i = 0; i < 4; i++) {
            step(scheduler, 1, 1, idleNanos);
        }
    }

    @Test
    void aStepReadsNoMoreGuessesThanTheIdleLinkCarries() {
        kernels.write(new float[] {1, 0}, 1, input);
        TransferScheduler scheduler = scheduler(patient());
        usually(scheduler, MILLI / 2); // half an expert: the first is begun
        cache.reads = true; // guesses are read whole at once
        for (int i = 0; i < 20; i++) {
            long before = use.guessBytes();
            step(scheduler, 1, 1, MILLI / 2);
            assertThat(use.guessBytes() - before)
                    .as("idle for 1.5 experts, the last may be begun")
                    .isLessThanOrEqualTo(2 * EXPERT_BYTES);
        }
        assertThat(use.guessBytes()).isPositive();
    }

    @Test
    void evenOnPurposeAStepReadsNoMoreGuessesThanATokenMayNeed() {
        kernels.write(new float[] {1, 0}, 1, input);
        TransferScheduler scheduler = scheduler(null);
        usually(scheduler, 100 * MILLI);
        cache.reads = true;
        use = new LinkUse(use.demandNanos(), 0, use.demandBytes(), 5 * EXPERT_BYTES);
        begin(scheduler, 1, 1);
        for (int i = 0; i < 10; i++) {
            scheduler.afterDemand(2, input, 1);
        }
        assertThat(use.guessBytes()).isEqualTo((5 + 2 * 3) * EXPERT_BYTES);
    }

    @Test
    void stopsWhileTheAuditSaysSoAndGoesOnWhenTheLinkIdlesMore() {
        kernels.write(new float[] {1, 0}, 1, input);
        TransferScheduler scheduler = scheduler(hasty());
        cache.costsNanos = 3 * MILLI; // each hint
        for (int i = 0; i < 40; i++) {
            step(scheduler, 1, 1, MILLI);
        }
        assertThat(scheduler.status().on()).isFalse();
        assertThat(scheduler.status().reason())
                .startsWith("off for ")
                .contains(" steps, it costs time: a step takes -");
        cache.hints.clear();
        step(scheduler, 1, 1, MILLI);
        assertThat(cache.hints).isEmpty();
        assertThat(scheduler.status().recall().chosen()).isPositive();

        cache.costsNanos = -3 * MILLI; // now it helps
        for (int i = 0; i < 60; i++) {
            step(scheduler, 1, 1, 6 * MILLI);
        }
        assertThat(scheduler.status().reason()).startsWith("on: a step takes ");
        assertThat(cache.hints).isNotEmpty();
    }

    @Test
    void ofAPromptThePopularAreReadAheadOnceItsOwnReadsAreDone() {
        TransferScheduler scheduler = scheduler(patient());
        for (int i = 0; i < 60; i++) {
            step(scheduler, 6, 1, 3 * MILLI);
        }
        cache.hints.clear();
        begin(scheduler, 6, 1);
        now += 3 * MILLI;
        scheduler.routed(2, decision(3, 2));
        scheduler.afterDemand(2, input, 6);
        assertThat(cache.hints).as("its reads are asked for little by little").isEmpty();
        scheduler.demandDone(2);
        assertThat(cache.hints).containsExactly(new ExpertId(3, 2), new ExpertId(3, 3));
        assertThat(scheduler.status().recall().chosen()).as("predicted").isZero();
    }

    @Test
    void guessesArePutRightByWhatRoutersSaid() {
        kernels.write(new float[] {1, 0}, 1, input);
        TransferScheduler scheduler = scheduler(null);
        scheduler.correct(new GuessCorrection(4, EXPERTS, 2, 10));
        begin(scheduler, 1, 1);
        scheduler.afterDemand(2, input, 1);
        scheduler.routed(3, batch, new float[] {9, 8, 0, 0}, decision(0, 1));
        assertThat(scheduler.status().layers().get(2).recall().atK()).isZero();
        begin(scheduler, 1, 1);
        cache.hints.clear();
        scheduler.afterDemand(2, input, 1);
        assertThat(cache.hints).containsExactly(new ExpertId(3, 0), new ExpertId(3, 1));
        scheduler.routed(3, batch, new float[] {9, 8, 0, 0}, decision(0, 1));
        assertThat(scheduler.status().layers().get(2).recall().atK()).isEqualTo(0.5);
    }

    @Test
    void whoRecordsIsToldOfEveryPredictionThoughNothingIsRead() {
        kernels.write(new float[] {1, 0}, 1, input);
        TransferScheduler scheduler = scheduler(patient());
        List<String> told = new ArrayList<>();
        scheduler.tell(
                new RoutingObserver() {
                    @Override
                    public void routed(
                            int layer,
                            Batch routed,
                            Activations gateInput,
                            float[] logits,
                            RoutingDecision decision) {
                        throw new UnsupportedOperationException();
                    }

                    @Override
                    public void foreseen(int layer, int rows, float[] logits) {
                        told.add(layer + ": " + logits[3]);
                    }
                });
        begin(scheduler, 1, 1);
        scheduler.afterDemand(2, input, 1);
        assertThat(told).hasSize(2).first().asString().startsWith("0: ");
        // Expert 3 scores 3 x[0], and x is [1, 0] over its rms.
        assertThat(told).last().asString().startsWith("3: 4.2426");
        assertThat(cache.hints).isEmpty();
    }

    @Test
    void restsWhenEveryExpertIsResident() {
        kernels.write(new float[] {1, 0}, 1, input);
        TransferScheduler scheduler = scheduler(null);
        cache.stats = stats(0, TOTAL + 3, 3);
        step(scheduler, 1, 1, MILLI);
        assertThat(cache.hints).isEmpty();
        assertThat(scheduler.status().on()).isFalse();
        assertThat(scheduler.status().reason()).isEqualTo("off: every expert is resident");
    }

    private static RoutingDecision decision(int... experts) {
        return new RoutingDecision(1, experts.length, experts, new float[experts.length]);
    }

    private static CacheStats stats(long prefetchIssued, long loads, long evictions) {
        return new CacheStats(0, 0, loads, 0, evictions, 0, prefetchIssued, 0, 0, 0, 0);
    }

    private static WeightMatrix router(float... weights) {
        NativeMemory memory =
                new DirectMemory(MemoryTag.DENSE_WEIGHTS, (long) weights.length * Float.BYTES);
        FloatBuffer floats = memory.buffer(0, weights.length * Float.BYTES).asFloatBuffer();
        floats.put(weights);
        return new WeightMatrix(memory, 0, TensorType.F32, EXPERTS, weights.length / EXPERTS);
    }

    private static Activations activations(int rows, int cols) {
        long bytes = (long) rows * cols * Float.BYTES;
        return new Activations(new DirectMemory(MemoryTag.ACTIVATIONS, bytes), 0, rows, cols);
    }

    /** Notes hints. */
    private final class FakeCache implements ExpertCache {

        private final List<ExpertId> hints = new ArrayList<>();
        private final List<Integer> expired = new ArrayList<>();
        private final Set<ExpertId> resident = new HashSet<>();
        private CacheStats stats = TransferSchedulerTest.stats(0, 0, 0);
        private boolean reads;
        private long costsNanos;

        @Override
        public ExpertVisit visit(int layer, int[] experts) {
            throw new UnsupportedOperationException();
        }

        @Override
        public boolean prefetch(ExpertId id) {
            now += costsNanos;
            if (reads) {
                use =
                        new LinkUse(
                                use.demandNanos(),
                                use.guessNanos() + MILLI,
                                use.demandBytes(),
                                use.guessBytes() + EXPERT_BYTES);
            }
            return hints.add(id);
        }

        @Override
        public void expireHints(int layer) {
            expired.add(layer);
        }

        @Override
        public CompletableFuture<Integer> warm(Collection<ExpertId> hottestFirst) {
            throw new UnsupportedOperationException();
        }

        @Override
        public boolean swap(ExpertId in, ExpertId out) {
            throw new UnsupportedOperationException();
        }

        @Override
        public void observed(int layer, float[] scores) {}

        @Override
        public void expected(int layer, float[] shares) {}

        @Override
        public boolean usesScores() {
            return false;
        }

        @Override
        public int residentCount() {
            return resident.size();
        }

        @Override
        public CompletableFuture<Integer> resize(int slots) {
            throw new UnsupportedOperationException();
        }

        @Override
        public int capacity() {
            return TOTAL;
        }

        @Override
        public int floor() {
            return 1;
        }

        @Override
        public boolean isResident(ExpertId id) {
            return resident.contains(id);
        }

        @Override
        public void residentsOf(int layer, BitSet into) {
            throw new UnsupportedOperationException();
        }

        @Override
        public Collection<ExpertId> residents() {
            return resident;
        }

        @Override
        public int slots() {
            return TOTAL;
        }

        @Override
        public CacheStats stats() {
            return stats;
        }

        @Override
        public void close() {}
    }
}
