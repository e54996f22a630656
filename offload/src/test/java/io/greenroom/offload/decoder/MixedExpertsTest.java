package io.greenroom.offload.decoder;

import static org.assertj.core.api.Assertions.assertThat;

import io.greenroom.cache.ExpertCache;
import io.greenroom.cache.ExpertId;
import io.greenroom.cache.ExpertLoader;
import io.greenroom.cache.LoadPriority;
import io.greenroom.gating.RoutingDecision;
import io.greenroom.gating.precision.PrecisionChooser;
import io.greenroom.gating.precision.PrecisionCost;
import io.greenroom.gating.precision.PrecisionRule;
import io.greenroom.gating.precision.PrecisionTally;
import io.greenroom.offload.kernel.Activations;
import io.greenroom.offload.kernel.NativeKernels;
import io.greenroom.offload.kernel.TensorType;
import io.greenroom.offload.kernel.WeightMatrix;
import io.greenroom.offload.memory.LeakCheck;
import io.greenroom.offload.memory.MemoryTag;
import io.greenroom.offload.memory.NativeAllocator;
import io.greenroom.offload.memory.NativeMemory;
import io.greenroom.offload.store.ExpertWeights;
import io.greenroom.offload.store.ModelSpec;
import java.io.IOException;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * One layer at a time: which weights each result was computed with, to the last bit. An expert and
 * its copy are simply two different random experts here.
 */
class MixedExpertsTest {

    private static final int EXPERTS = 8;
    private static final int K = 3;
    private static final int HIDDEN = 32;
    private static final int INNER = 16;
    private static final int MATRIX = HIDDEN * INNER;
    private static final int LAYER = 1;
    private static final PrecisionRule RULE = new PrecisionRule(0.5, 0.8);

    private final NativeAllocator allocator = new NativeAllocator();
    private final LeakCheck leaks = new LeakCheck(allocator);
    private final NativeKernels kernels = new NativeKernels(1);
    private final Source full = new Source(1, 4);
    private final Source copies = new Source(2, 4);
    private final PrecisionTally tally = new PrecisionTally();
    private final MixedAccount account = new MixedAccount(4, new long[] {0, 1000}, 100);

    private NativeMemory scratchMemory;
    private Scratch scratch;
    private Activations input;

    /** Experts of one kind: where they come from, their slots, and who is in them. */
    private final class Source implements ExpertLoader, ExpertStage.Slots, AutoCloseable {

        private final long seed;
        private final NativeMemory slots;
        private final NativeMemory expected =
                allocator.allocate(MemoryTag.EXPERT_ARENA, 3L * MATRIX * Float.BYTES, 64);
        private final ExpertCache cache;
        private final List<Integer> loads = new ArrayList<>();
        private final Set<Integer> broken = new TreeSet<>();

        Source(long seed, int slotCount) {
            this.seed = seed;
            this.slots =
                    allocator.allocate(
                            MemoryTag.EXPERT_ARENA, 3L * MATRIX * Float.BYTES * slotCount, 64);
            this.cache =
                    ExpertCache.builder(this).shape(2, EXPERTS).slots(slotCount).floor(1).build();
        }

        @Override
        public CompletableFuture<Void> load(ExpertId id, int slot, LoadPriority priority) {
            loads.add(id.expert());
            if (broken.contains(id.expert())) {
                return CompletableFuture.failedFuture(new IOException("a bad sector"));
            }
            fill(slots, slot, id);
            return CompletableFuture.completedFuture(null);
        }

        private void fill(NativeMemory memory, int slot, ExpertId id) {
            int bytes = 3 * MATRIX * Float.BYTES;
            FloatBuffer floats = memory.buffer((long) slot * bytes, bytes).asFloatBuffer();
            Random random = new Random(seed * 1000 + id.layer() * 100 + id.expert());
            while (floats.hasRemaining()) {
                floats.put((float) random.nextGaussian());
            }
        }

        @Override
        public ExpertWeights weights(ExpertId id, int slot) {
            return weights(slots, slot);
        }

        private ExpertWeights weights(NativeMemory memory, int slot) {
            long at = 3L * MATRIX * Float.BYTES * slot;
            long matrix = (long) MATRIX * Float.BYTES;
            return new ExpertWeights(
                    new WeightMatrix(memory, at, TensorType.F32, INNER, HIDDEN),
                    new WeightMatrix(memory, at + matrix, TensorType.F32, INNER, HIDDEN),
                    new WeightMatrix(memory, at + 2 * matrix, TensorType.F32, HIDDEN, INNER));
        }

        /** What this kind's expert makes of a row. */
        float[] output(int expert, int row) {
            fill(expected, 0, new ExpertId(LAYER, expert));
            ExpertWeights weights = weights(expected, 0);
            try (NativeMemory memory =
                    allocator.allocate(MemoryTag.ACTIVATIONS, HIDDEN * Float.BYTES, 64)) {
                Activations out = new Activations(memory, 0, 1, HIDDEN);
                kernels.feedForward(
                        weights.gate(),
                        weights.up(),
                        weights.down(),
                        input,
                        new int[] {row},
                        new int[] {0},
                        1,
                        out);
                return read(out);
            }
        }

        /** Makes experts resident. */
        void visit(int... experts) throws Exception {
            try (var visit = cache.visit(LAYER, experts)) {
                for (var lease = visit.next(); lease != null; lease = visit.next()) {
                    lease.close();
                }
            }
            loads.clear();
        }

        ExpertStage.Experts experts() {
            return new ExpertStage.Experts(cache, this);
        }

        @Override
        public void close() {
            cache.close();
            slots.close();
            expected.close();
        }
    }

    @BeforeEach
    void makeScratch() {
        ModelSpec spec =
                new ModelSpec(
                        ModelSpec.Family.OLMOE,
                        2,
                        HIDDEN,
                        8,
                        2,
                        2,
                        8,
                        16,
                        1e-5f,
                        10_000,
                        ModelSpec.RopeLayout.HALVES,
                        Float.POSITIVE_INFINITY,
                        EXPERTS,
                        K,
                        INNER,
                        false,
                        0,
                        new boolean[] {true, true},
                        0);
        Scratch.Shape shape = new Scratch.Shape(spec, 4, 1, 16);
        scratchMemory = allocator.allocate(MemoryTag.ACTIVATIONS, shape.bytes(), 64);
        scratch = Scratch.in(scratchMemory, shape);
        input = scratch.normed();
        Random random = new Random(9);
        float[] rows = new float[4 * HIDDEN];
        for (int i = 0; i < rows.length; i++) {
            rows[i] = (float) random.nextGaussian();
        }
        kernels.write(rows, 4, input);
        // what nobody writes must show
        float[] nans = new float[4 * K * HIDDEN];
        Arrays.fill(nans, Float.NaN);
        kernels.write(nans, 4 * K, scratch.partial());
    }

    @AfterEach
    void everythingComesHome() {
        full.close();
        copies.close();
        scratchMemory.close();
        kernels.close();
        leaks.close();
    }

    private MixedExperts stage(SkippedWeight skipped) {
        return new MixedExperts(
                full.experts(),
                copies.experts(),
                new PrecisionChooser(RULE, EXPERTS),
                skipped,
                account,
                2,
                kernels,
                scratch,
                RoutedRows.of(4, EXPERTS));
    }

    private Batch batch(int rows) {
        Batch batch = new Batch(4, 1);
        batch.addSequence(new int[] {0});
        batch.countPrecision(tally);
        for (int row = 0; row < rows; row++) {
            batch.addRow(1, row, false);
        }
        return batch;
    }

    /** Needs of a row by RULE: full, copy, if resident. */
    private static RoutingDecision route(int... experts) {
        float[] weights = new float[experts.length];
        for (int i = 0; i < weights.length; i += K) {
            weights[i] = 0.55f;
            weights[i + 1] = 0.3f;
            weights[i + 2] = 0.15f;
        }
        return new RoutingDecision(experts.length / K, K, experts, weights);
    }

    private float[] compute(MixedExperts stage, Batch batch, RoutingDecision decision)
            throws InterruptedException {
        try (ExpertStage.Pass pass = stage.begin(LAYER, decision)) {
            return pass.compute(batch, input);
        }
    }

    private float[] read(Activations row) {
        float[] values = new float[row.cols()];
        kernels.read(row, 1, values);
        return values;
    }

    private float[] partial(int row, int rank) {
        return read(scratch.partial().slice(row * K + rank, 1));
    }

    @Test
    void eachFormTakesPartWhereTheRuleSaysSo() throws Exception {
        RoutingDecision decision = route(0, 1, 2);
        float[] factors = compute(stage(SkippedWeight.DROP), batch(1), decision);
        assertThat(partial(0, 0)).isEqualTo(full.output(0, 0));
        assertThat(partial(0, 1)).isEqualTo(copies.output(1, 0));
        assertThat(partial(0, 2)).containsOnly(0f);
        assertThat(factors).isEqualTo(decision.weights());
        assertThat(full.loads).containsExactly(0);
        assertThat(copies.loads).containsExactly(1);
        PrecisionCost cost = tally.cost();
        assertThat(cost.selections()).isEqualTo(3);
        assertThat(cost.copies()).isEqualTo(1);
        assertThat(cost.skipped()).isEqualTo(1);
        assertThat(cost.skippedWeightShare()).isBetween(0.1499, 0.1501);
        assertThat(cost.savedBytes()).isEqualTo(900 + 1000);
        assertThat(account.total()).isEqualTo(cost);
    }

    @Test
    void whatIsResidentIsUsedAsItIs() throws Exception {
        full.visit(1);
        copies.visit(0, 1, 2);
        compute(stage(SkippedWeight.DROP), batch(1), route(0, 1, 2));
        assertThat(partial(0, 0)).isEqualTo(full.output(0, 0));
        assertThat(partial(0, 1)).isEqualTo(full.output(1, 0));
        assertThat(partial(0, 2)).isEqualTo(copies.output(2, 0));
        assertThat(full.loads).containsExactly(0);
        assertThat(copies.loads).isEmpty();
        assertThat(tally.cost().savedBytes()).isEqualTo(1000);
    }

    @Test
    void whatOneRowReadsServesTheOthers() throws Exception {
        // 1 is needed in full by the second row, 2 as a copy; 3 and 4 by nobody very much
        compute(stage(SkippedWeight.DROP), batch(2), route(0, 1, 3, 1, 2, 4));
        assertThat(partial(0, 1)).isEqualTo(full.output(1, 0));
        assertThat(partial(1, 0)).isEqualTo(full.output(1, 1));
        assertThat(partial(1, 1)).isEqualTo(copies.output(2, 1));
        assertThat(partial(0, 2)).containsOnly(0f);
        assertThat(partial(1, 2)).containsOnly(0f);
        assertThat(full.loads).containsExactlyInAnyOrder(0, 1);
        assertThat(copies.loads).containsExactly(2);
    }

    @Test
    void bytesSavedAreDividedAmongTheRows() throws Exception {
        compute(stage(SkippedWeight.DROP), batch(3), route(0, 5, 2, 1, 5, 2, 3, 5, 2));
        assertThat(tally.cost().copies()).isEqualTo(3);
        assertThat(tally.cost().skipped()).isEqualTo(3);
        assertThat(tally.cost().savedBytes()).isEqualTo(900 + 1000);
    }

    @Test
    void skippedWeightMaySpread() throws Exception {
        copies.visit(7);
        float[] factors = compute(stage(SkippedWeight.SPREAD), batch(2), route(0, 1, 2, 0, 1, 7));
        assertThat(factors[0]).isBetween(0.64705f, 0.64707f);
        assertThat(factors[1]).isBetween(0.35293f, 0.35295f);
        // the second row lost nothing
        assertThat(factors[3]).isEqualTo(0.55f);
        assertThat(factors[5]).isEqualTo(0.15f);
        assertThat(partial(1, 2)).isEqualTo(copies.output(7, 1));
    }

    @Test
    void anExpertTakesThePlaceOfItsBrokenCopy() throws Exception {
        copies.broken.add(1);
        MixedExperts stage = stage(SkippedWeight.DROP);
        Batch batch = batch(1);
        compute(stage, batch, route(0, 1, 2));
        assertThat(batch.hasFailedRows()).isFalse();
        assertThat(partial(0, 1)).isEqualTo(full.output(1, 0));
        assertThat(full.loads).containsExactly(0, 1);
        assertThat(copies.loads).containsExactly(1);
        assertThat(tally.cost().copies()).isZero();
        assertThat(tally.cost().savedBytes()).isEqualTo(1000);
        // others took the slots; the copy is not asked for again
        full.visit(2, 3, 4, 5, 6, 7);
        compute(stage, batch, route(3, 1, 0));
        assertThat(copies.loads).containsExactly(1);
        assertThat(partial(0, 1)).isEqualTo(full.output(1, 0));
    }

    @Test
    void anExpertThatCannotBeReadFailsItsRows() throws Exception {
        full.broken.add(0);
        Batch batch = batch(1);
        compute(stage(SkippedWeight.DROP), batch, route(0, 1, 2));
        assertThat(batch.failure(0)).hasRootCauseMessage("a bad sector");
    }

    @Test
    void moreCopiesThanSlotsComeOneAfterTheOther() throws Exception {
        int[] experts = new int[4 * K];
        // the second of each row as a copy, the first and third the same for all
        for (int row = 0; row < 4; row++) {
            experts[row * K] = 0;
            experts[row * K + 1] = 2 + row;
            experts[row * K + 2] = 1;
        }
        copies.visit(2, 6, 7);
        compute(stage(SkippedWeight.DROP), batch(4), route(experts));
        for (int row = 0; row < 4; row++) {
            assertThat(partial(row, 1)).isEqualTo(copies.output(2 + row, row));
        }
        assertThat(copies.loads).containsExactlyInAnyOrder(3, 4, 5);
    }
}
