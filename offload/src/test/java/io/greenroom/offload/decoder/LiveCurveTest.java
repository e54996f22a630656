package io.greenroom.offload.decoder;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.greenroom.cache.ExpertCache;
import io.greenroom.cache.ExpertId;
import io.greenroom.cache.ExpertLease;
import io.greenroom.cache.ExpertLoader;
import io.greenroom.cache.ExpertVisit;
import io.greenroom.cache.LoadPriority;
import io.greenroom.cache.plan.GhostCurve;
import io.greenroom.cache.policy.CacheShape;
import io.greenroom.cache.policy.PolicyName;
import io.greenroom.gating.RoutingDecision;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

/** Two layers of 16 experts, 2 for each token; a step takes 10 ms. */
class LiveCurveTest {

    private static final int LAYERS = 2;
    private static final int EXPERTS = 16;
    private static final long MILLI = 1_000_000;

    private final AtomicLong clock = new AtomicLong();
    private final ExpertCache cache =
            ExpertCache.builder(new InstantLoader())
                    .shape(LAYERS, EXPERTS)
                    .slots(16)
                    .floor(2)
                    .clock(clock::get)
                    .build();
    private final LiveCurve curve =
            new LiveCurve(
                    new GhostCurve(
                            new CacheShape(LAYERS, EXPERTS, 2),
                            new boolean[] {true, true},
                            PolicyName.TINYLFU,
                            null,
                            100_000),
                    cache,
                    null,
                    LAYERS,
                    EXPERTS,
                    1000,
                    900,
                    Runnable::run,
                    () -> {},
                    clock::get);
    private final Batch batch = new Batch(8, 4);

    @Test
    void knowsNothingBeforeTheFirstToken() {
        assertThat(curve.curve()).isEqualTo(BudgetCurve.UNKNOWN);
    }

    @Test
    void saysWhatOtherBudgetsWouldBring() throws Exception {
        // each token goes round through all experts of a layer: only all of them help LRU
        for (int token = 0; token < 400; token++) {
            step(token + 1, 1, 2 * token % EXPERTS, (2 * token + 1) % EXPERTS);
        }
        BudgetCurve known = curve.curve();
        assertThat(known.tokens()).isCloseTo(400, within(2.0));
        assertThat(known.points()).hasSize(8);
        BudgetCurve.Point all = known.points().get(7);
        assertThat(all.slots()).isEqualTo(32);
        assertThat(all.budgetBytes()).isEqualTo(32_000);
        assertThat(all.hitRate()).isEqualTo(1);
        assertThat(all.bytesPerToken()).isZero();
        assertThat(all.tokensPerSecond().getAsDouble()).isCloseTo(100, within(2.0));
        BudgetCurve.Point little = known.points().get(0);
        assertThat(little.hitRate()).isLessThan(0.2);
        assertThat(little.bytesPerToken()).isCloseTo(4 * 900 * (1 - little.hitRate()), within(1.0));
        double before = 0;
        for (BudgetCurve.Point point : known.points()) {
            assertThat(point.hitRate()).isBetween(before, 1.0);
            before = point.hitRate();
        }
        // the speed it has now is found at the budget it has now
        double stallMillis = (double) cache.stats().stallNanos() / MILLI / 400; // per token
        assertThat(known.points().get(3).tokensPerSecond().getAsDouble())
                .isCloseTo(1000 / (10 + stallMillis), within(5.0));
    }

    @Test
    void promptsCountForHitsButNotForTheTimeOfAToken() throws Exception {
        batch.clear();
        batch.addSequence(new int[] {0});
        batch.addRow(1, 0, false);
        batch.addRow(1, 1, true);
        RoutingDecision decision = new RoutingDecision(2, 2, new int[] {0, 1, 1, 2}, new float[4]);
        for (int layer = 0; layer < LAYERS; layer++) {
            curve.routed(layer, batch, null, new float[0], decision);
        }
        for (int i = 0; i < 4; i++) { // a few steps are handed over together
            curve.stepDone(batch);
        }
        BudgetCurve known = curve.curve();
        assertThat(known.tokens()).isEqualTo(8);
        assertThat(known.points().get(7).tokensPerSecond()).isEmpty();
        assertThat(known.points().get(0).bytesPerToken()).isZero();
    }

    /** One token of each of some sequences. */
    private void step(int position, int sequences, int... experts) throws Exception {
        batch.clear();
        int[] all = new int[sequences * experts.length];
        for (int i = 0; i < sequences; i++) {
            batch.addSequence(new int[] {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14});
            batch.addRow(1, position, true);
            System.arraycopy(experts, 0, all, i * experts.length, experts.length);
        }
        RoutingDecision decision =
                new RoutingDecision(sequences, experts.length, all, new float[all.length]);
        for (int layer = 0; layer < LAYERS; layer++) {
            curve.routed(layer, batch, null, new float[0], decision);
            try (ExpertVisit visit = cache.visit(layer, experts)) {
                for (ExpertLease lease = visit.next(); lease != null; lease = visit.next()) {
                    lease.close();
                }
            }
        }
        clock.addAndGet(10 * MILLI);
        curve.stepDone(batch);
    }

    /** Has an expert at once. */
    private static final class InstantLoader implements ExpertLoader {

        @Override
        public CompletableFuture<Void> load(ExpertId id, int slot, LoadPriority priority) {
            return CompletableFuture.completedFuture(null);
        }

        @Override
        public void promote(ExpertId id) {}
    }
}
