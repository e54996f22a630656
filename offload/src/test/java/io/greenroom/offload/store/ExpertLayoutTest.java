package io.greenroom.offload.store;

import static org.assertj.core.api.Assertions.assertThat;

import io.greenroom.cache.ExpertBudget;
import io.greenroom.cache.ExpertId;
import io.greenroom.offload.kernel.TensorType;
import io.greenroom.offload.store.ExpertLayout.Piece;
import io.greenroom.offload.store.ModelSpec.Family;
import io.greenroom.offload.store.ModelSpec.RopeLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.DoubleRange;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.LongRange;
import org.junit.jupiter.api.Test;

/** Slots have room for every read, block for block, and plans never exceed their budget. */
class ExpertLayoutTest {

    private static final int INNER = 32;
    private static final int HIDDEN = 64;
    private static final int MATRIX_BYTES = INNER * HIDDEN * 4;

    /** Experts scattered over files, or one after the other. */
    private record Scattered(ExpertSpans[] experts) implements Checkpoint {

        static Scattered random(Random random, int count) {
            ExpertSpans[] experts = new ExpertSpans[count];
            for (int e = 0; e < count; e++) {
                TensorSpan gate = span(random.nextInt(2), random.nextInt(1 << 20) * 4L, INNER);
                TensorSpan up = span(random.nextInt(2), random.nextInt(1 << 20) * 4L, INNER);
                TensorSpan down = span(random.nextInt(2), random.nextInt(1 << 20) * 4L, HIDDEN);
                if (random.nextBoolean()) {
                    long start = down.offset();
                    up = span(0, start + MATRIX_BYTES, INNER);
                    gate = span(0, start + 2 * MATRIX_BYTES, INNER);
                }
                experts[e] = new ExpertSpans(gate, up, down);
            }
            return new Scattered(experts);
        }

        private static TensorSpan span(int file, long offset, int rows) {
            int cols = INNER * HIDDEN / rows;
            return new TensorSpan(
                    "x", Path.of("f" + file), offset, MATRIX_BYTES, TensorType.F32, rows, cols);
        }

        @Override
        public Path location() {
            return Path.of("m");
        }

        @Override
        public ModelSpec spec() {
            return new ModelSpec(
                    Family.OLMOE,
                    1,
                    HIDDEN,
                    8,
                    4,
                    4,
                    16,
                    64,
                    1e-5f,
                    10_000,
                    RopeLayout.HALVES,
                    Float.POSITIVE_INFINITY,
                    experts.length,
                    1,
                    INNER,
                    false,
                    0,
                    new boolean[] {true},
                    0);
        }

        @Override
        public Collection<TensorSpan> tensors() {
            return List.of();
        }

        @Override
        public Optional<TensorSpan> tensor(String name) {
            return Optional.empty();
        }

        @Override
        public ExpertSpans expert(ExpertId id) {
            return experts[id.expert()];
        }

        @Override
        public TokenizerFiles tokenizer() {
            return new TokenizerFiles(null, null, null, -1, false, Set.of());
        }
    }

    @Property
    void piecesLieInBlocksOfTheirOwnInsideTheSlot(
            @ForAll long seed, @ForAll @IntRange(min = 1, max = 20) int count) {
        Scattered checkpoint = Scattered.random(new Random(seed), count);
        ExpertLayout layout = ExpertLayout.of(checkpoint);
        assertThat(layout.slotBytes() % 4096).isZero();
        assertThat(layout.allExpertBytes()).isEqualTo(layout.slotBytes() * count);
        long largest = 0;
        for (int e = 0; e < count; e++) {
            List<Piece> pieces = layout.pieces(new ExpertId(0, e));
            long nextBlock = 0;
            long bytes = 0;
            for (Piece piece : pieces) {
                assertThat(piece.slotOffset() % 4096).isEqualTo(piece.offset() % 4096);
                assertThat(piece.slotOffset() / 4096 * 4096).isGreaterThanOrEqualTo(nextBlock);
                nextBlock = (piece.slotOffset() + piece.bytes() + 4095) / 4096 * 4096;
                bytes += piece.bytes();
            }
            assertThat(bytes).isEqualTo(layout.expertBytes(new ExpertId(0, e)));
            assertThat(nextBlock).isLessThanOrEqualTo(layout.slotBytes());
            largest = Math.max(largest, nextBlock);
        }
        assertThat(layout.slotBytes()).isEqualTo(largest);
    }

    @Test
    void neighboursInTheFileAreOneRead() {
        TensorSpan down = Scattered.span(0, 1000, HIDDEN);
        TensorSpan gate = Scattered.span(0, 1000 + MATRIX_BYTES, INNER);
        TensorSpan up = Scattered.span(0, 1000 + 2 * MATRIX_BYTES, INNER);
        ExpertSpans expert = new ExpertSpans(gate, up, down);
        ExpertLayout layout = ExpertLayout.of(new Scattered(new ExpertSpans[] {expert}));
        assertThat(layout.pieces(new ExpertId(0, 0)))
                .containsExactly(new Piece(Path.of("f0"), 1000, 3 * MATRIX_BYTES, 1000));
        assertThat(layout.slotBytes()).isEqualTo(7 * 4096);
    }

    @Property
    void aPlanNeverExceedsItsBudget(
            @ForAll long seed,
            @ForAll @IntRange(min = 1, max = 20) int count,
            @ForAll @LongRange(min = 0, max = 2_000_000) long budget) {
        ExpertLayout layout = ExpertLayout.of(Scattered.random(new Random(seed), count));
        ExpertBudget fixed = ExpertBudget.parse(Long.toString(budget));
        try {
            SlotPlan plan = SlotPlan.of(fixed, layout, 1, 0);
            assertThat(plan.slots() * plan.slotBytes()).isLessThanOrEqualTo(budget);
            assertThat(plan.slots()).isBetween(1, count);
            // and one more slot would be too much, or useless
            assertThat(plan.slots() == count || (plan.slots() + 1) * plan.slotBytes() > budget)
                    .isTrue();
        } catch (InsufficientBudgetException e) {
            assertThat(budget).isLessThan(layout.slotBytes());
        }
    }

    @Property
    void expertsAndCopiesStayWithinOneBudget(
            @ForAll long seed,
            @ForAll @IntRange(min = 2, max = 20) int count,
            @ForAll @LongRange(min = 0, max = 2_000_000) long budget,
            @ForAll @DoubleRange(min = 0.01, max = 0.99) double share) {
        ExpertLayout layout = ExpertLayout.of(Scattered.random(new Random(seed), count));
        ExpertLayout small = ExpertLayout.of(Scattered.random(new Random(seed + 1), count));
        SlotPlan.Copies copies = new SlotPlan.Copies(small, share);
        try {
            SlotPlan plan =
                    SlotPlan.of(ExpertBudget.parse(Long.toString(budget)), layout, copies, 2, 0);
            assertThat(plan.arenaBytes())
                    .isEqualTo(
                            plan.slots() * layout.slotBytes()
                                    + plan.copySlots() * small.slotBytes())
                    .isLessThanOrEqualTo(budget);
            assertThat(plan.slots()).isBetween(2, count);
            assertThat(plan.copySlots()).isBetween(1, count);
            long allButOneCopy = (plan.copySlots() - 1) * small.slotBytes();
            assertThat(allButOneCopy).isLessThanOrEqualTo((long) (budget * share));
            // one more would be too much, or useless
            assertThat(plan.slots() == count || plan.arenaBytes(plan.slots() + 1) > budget)
                    .isTrue();
            for (int slots = 2; slots <= count; slots++) {
                assertThat(plan.withSlots(slots).arenaBytes())
                        .isGreaterThan(plan.withSlots(slots - 1).arenaBytes())
                        .isLessThanOrEqualTo(slots * plan.bytesPerSlot() + small.slotBytes());
            }
        } catch (InsufficientBudgetException e) {
            String offered =
                    String.valueOf(e.getMessage()).replaceAll(".*works is (\\d+) .*", "$1");
            SlotPlan plan = SlotPlan.of(ExpertBudget.parse(offered), layout, copies, 2, 0);
            assertThat(plan.slots()).isEqualTo(2);
            assertThat(plan.arenaBytes()).isEqualTo(Long.parseLong(offered));
            assertThat(Long.parseLong(offered)).isGreaterThan(budget);
        }
    }

    /** What a refusal offers is then accepted, and nothing smaller is. */
    @Property
    void theOfferedBudgetsWork(@ForAll long seed, @ForAll @IntRange(min = 3, max = 400) int count) {
        ExpertLayout layout = ExpertLayout.of(Scattered.random(new Random(seed), count));
        String text = refusal(ExpertBudget.parse("1"), layout, 3, 0);
        String bytes = text.replaceAll(".*that works is (\\d+) bytes.*", "$1");
        String percent = text.replaceAll(".* or ([0-9.]+%) of all.*", "$1");
        assertThat(SlotPlan.of(ExpertBudget.parse(bytes), layout, 3, 0).slots()).isEqualTo(3);
        assertThat(SlotPlan.of(ExpertBudget.parse(percent), layout, 3, 0).slots())
                .isGreaterThanOrEqualTo(3);
        String less = Long.toString(Long.parseLong(bytes) - 1);
        assertThat(refusal(ExpertBudget.parse(less), layout, 3, 0)).contains("holds 2 experts");
    }

    private static String refusal(
            ExpertBudget budget, ExpertLayout layout, int least, long available) {
        List<String> texts = new ArrayList<>();
        try {
            SlotPlan.of(budget, layout, least, available);
        } catch (InsufficientBudgetException e) {
            texts.add(e.getMessage());
        }
        assertThat(texts).as("a refusal of %s", budget).hasSize(1);
        return texts.get(0);
    }

    @Test
    void refusalsNameTheSmallestBudgetThatWorks() {
        ExpertSpans[] experts = new ExpertSpans[8];
        for (int e = 0; e < experts.length; e++) {
            long start = 3L * e * MATRIX_BYTES;
            experts[e] =
                    new ExpertSpans(
                            Scattered.span(0, start, INNER),
                            Scattered.span(0, start + MATRIX_BYTES, INNER),
                            Scattered.span(0, start + 2 * MATRIX_BYTES, HIDDEN));
        }
        ExpertLayout layout = ExpertLayout.of(new Scattered(experts));
        assertThat(refusal(ExpertBudget.parse("30KiB"), layout, 2, 0))
                .isEqualTo(
                        "The expert budget of 30.0 KiB (30720 bytes) holds 1 experts of 24.0 KiB, but"
                                + " one token needs 2 at once. The smallest budget that works is 49152"
                                + " bytes (48.0 KiB) or 25% of all 8 experts");
        assertThat(refusal(ExpertBudget.AUTO, layout, 2, 0))
                .startsWith("The expert budget of 0 B (0 bytes) that the container leaves holds 0");
        assertThat(SlotPlan.of(ExpertBudget.AUTO, layout, 2, Long.MAX_VALUE).slots()).isEqualTo(8);
        assertThat(SlotPlan.of(ExpertBudget.parse("25%"), layout, 2, 0).slots()).isEqualTo(2);
        assertThat(SlotPlan.of(ExpertBudget.parse("100%"), layout, 2, 0).slots()).isEqualTo(8);
    }
}
