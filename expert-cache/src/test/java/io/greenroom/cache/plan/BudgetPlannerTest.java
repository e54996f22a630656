package io.greenroom.cache.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.greenroom.cache.plan.BudgetPlanner.Model;
import io.greenroom.cache.plan.BudgetPlanner.Plan;
import io.greenroom.cache.plan.BudgetPlanner.Refused;
import io.greenroom.cache.sim.TimeModel;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

class BudgetPlannerTest {

    private static final long SLOT = 1000;

    /** Two layers of four experts, two of them for each token; the second repeats itself more. */
    private static final Model MODEL =
            new Model(
                    SLOT,
                    new long[] {900, 900},
                    2,
                    List.of(MissCurve.of(2, 1.5, 1, 0.5, 0), MissCurve.of(2, 0.5, 0.2, 0.1, 0)));

    private static final TokenTime TIME =
            new TokenTime(new TimeModel(900_000, 0, 10e6, 0, 0, 0, 0), 2, 2, 2);

    private final BudgetPlanner planner = new BudgetPlanner(MODEL, TIME, null, null);

    @Test
    void foretellsHitsBytesAndSpeed() {
        Plan plan = (Plan) planner.plan(4 * SLOT + 999);
        assertThat(plan.slots()).isEqualTo(4);
        // each layer has at least what a token needs there
        assertThat(plan.split()).containsExactly(2, 2);
        assertThat(plan.divided().missesPerToken()).isCloseTo(1.2, within(1e-12));
        assertThat(plan.divided().hitRate()).isCloseTo(0.7, within(1e-12));
        assertThat(plan.divided().bytesPerToken()).isCloseTo(1080, within(1e-9));
        // 1 ms for every miss, one by one or two together
        assertThat(plan.divided().stallSeconds()).isCloseTo(0.0012, within(1e-9));
        assertThat(plan.divided().tokensPerSecond()).isCloseTo(1 / 0.0112, within(1e-6));
        assertThat(((Plan) planner.plan(6 * SLOT)).split()).containsExactly(4, 2);
        assertThat(((Plan) planner.plan(3 * SLOT)).split()).containsExactly(2, 1);
        assertThat(plan.best()).isEqualTo(plan.divided());
    }

    @Test
    void holdsAllWithAllExperts() {
        Plan plan = (Plan) planner.plan(1_000_000);
        assertThat(plan.slots()).isEqualTo(8);
        assertThat(plan.divided().hitRate()).isEqualTo(1);
        assertThat(plan.divided().tokensPerSecond()).isCloseTo(100, within(1e-9));
    }

    @Test
    void refusesLessThanOneTokenOfOneLayer() {
        Refused refused = (Refused) planner.plan(1999);
        assertThat(refused.leastBytes()).isEqualTo(2000);
        assertThat(refused.reason())
                .isEqualTo(
                        "A budget of 2.0 KiB (1999 bytes) holds 1 experts, but one token needs 2 at"
                                + " once: the smallest that works is 2000 bytes (2.0 KiB)");
        assertThat(planner.plan(2000)).isInstanceOf(Plan.class);
    }

    @Test
    void prefersTheSharedPoolWhereItIsBetter() {
        MissCurve pool = MissCurve.of(4, 3, 2, 1, 0.5, 0.4, 0.3, 0.2, 0);
        Plan plan = (Plan) new BudgetPlanner(MODEL, TIME, pool, null).plan(4 * SLOT);
        assertThat(plan.pooled()).isNotNull();
        assertThat(plan.best()).isEqualTo(plan.pooled());
        assertThat(plan.best().missesPerToken()).isCloseTo(0.5, within(1e-12));
        assertThat(plan.best().bytesPerToken()).isCloseTo(450, within(1e-9));
    }

    @Test
    void mixesPrecisionsWithinTheBudget() {
        LowCopies low = new LowCopies(250, new long[] {225, 225}, 0.4, 0.5, MODEL.curves());
        for (int slots = 2; slots <= 8; slots++) {
            Plan plan = (Plan) new BudgetPlanner(MODEL, TIME, null, low).plan(slots * SLOT);
            PrecisionMix mix = plan.mix();
            assertThat(mix).isNotNull();
            long bytes = Arrays.stream(mix.slots()).sum() * SLOT;
            bytes += Arrays.stream(mix.copies()).sum() * 250L;
            assertThat(bytes).isLessThanOrEqualTo(slots * SLOT);
            // a tenth of the misses is left out, half of them read a quarter, or nothing
            assertThat(mix.bytesPerToken())
                    .isLessThanOrEqualTo(0.53 * plan.divided().bytesPerToken() + 1e-9);
            assertThat(mix.lowShare(SLOT, 250)).isBetween(0.0, 0.5);
        }
    }

    @Test
    void holdsCopiesOnlyWhereTheyPay() {
        // copies that stand in for nothing
        LowCopies useless = new LowCopies(250, new long[] {225, 225}, 1, 0, MODEL.curves());
        Plan plan = (Plan) new BudgetPlanner(MODEL, TIME, null, useless).plan(4 * SLOT);
        assertThat(plan.mix().lowShare(SLOT, 250)).isZero();
        // copies that stand in for all and are tiny
        LowCopies all = new LowCopies(10, new long[] {9, 9}, 0, 1, MODEL.curves());
        plan = (Plan) new BudgetPlanner(MODEL, TIME, null, all).plan(4 * SLOT);
        assertThat(plan.mix().bytesPerToken()).isZero();
    }

    @Test
    void refusesImpossibleCopies() {
        assertThatThrownBy(() -> new LowCopies(250, new long[2], 0.7, 0.5, MODEL.curves()))
                .hasMessageContaining("at most 1 together, got 0.7 and 0.5");
        assertThatThrownBy(() -> new LowCopies(0, new long[2], 1, 0, MODEL.curves()))
                .hasMessageContaining("got 0 bytes, 2 curves and 2 sizes");
        assertThatThrownBy(() -> new Model(0, new long[2], 2, MODEL.curves()))
                .hasMessage(
                        "A slot has at least 1 byte and a token at least 1 expert, got 0 and 2");
    }
}
