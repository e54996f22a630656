package io.greenroom.cache.plan;

import io.greenroom.cache.plan.VisitLog.Step;
import io.greenroom.cache.plan.VisitLog.Visit;
import io.greenroom.cache.policy.CacheShape;
import io.greenroom.cache.policy.EvictionPolicies;
import io.greenroom.cache.policy.LayerSplit;
import io.greenroom.cache.policy.PolicyName;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class GhostCurveTest {

    private static final int K = 4;
    private static final int HALF_LIFE = 512;

    @ParameterizedTest
    @EnumSource
    void agreesWithReplayingEverySize(PolicyName policy) {
        boolean[] routed = routed(8);
        VisitLog log = new AssumedTraffic(1, 0.2).visits(routed, 32, K, 3000, 1);
        for (LayerSplit split : new LayerSplit[] {null, LayerSplit.even(8)}) {
            GhostCurve ghosts =
                    new GhostCurve(new CacheShape(8, 32, K), routed, policy, split, HALF_LIFE);
            feed(ghosts, log);
            for (int slots = 8; slots <= 256; slots += 12) {
                System.out.printf(
                        "%s %s %d %.4f %.4f%n",
                        policy,
                        split,
                        slots,
                        ghosts.all().hitRate(slots),
                        replay(log, policy, split, slots));
            }
        }
    }

    @Test
    void modelsManyLayersByAFew() {
        boolean[] routed = routed(48);
        VisitLog log = new AssumedTraffic(1, 0.2).visits(routed, 64, 8, 2500, 2);
        GhostCurve ghosts =
                new GhostCurve(
                        new CacheShape(48, 64, 8), routed, PolicyName.TINYLFU, null, HALF_LIFE);
        long t = System.nanoTime();
        feed(ghosts, log);
        System.out.printf("%.1f us per token%n", (System.nanoTime() - t) / 1e3 / 2500);
        for (int slots = 100; slots <= 3000; slots += 200) {
            System.out.printf(
                    "%d %.4f %.4f%n",
                    slots,
                    ghosts.all().hitRate(slots),
                    replay(log, PolicyName.TINYLFU, null, slots));
        }
    }

    static void feed(GhostCurve ghosts, VisitLog log) {
        for (Step step : log.steps()) {
            for (Visit visit : step.visits()) {
                ghosts.visit(visit.layer(), visit.experts(), null, step.decode());
            }
            ghosts.stepped(step.tokens(), step.decode());
        }
    }

    /** The hit rate of a cache of one size, with the same fading. */
    static double replay(VisitLog log, PolicyName policy, LayerSplit split, int slots) {
        CacheShape shape = new CacheShape(log.layers(), log.experts(), 1);
        ShadowCache cache =
                new ShadowCache(
                        EvictionPolicies.create(policy, shape, slots, split),
                        log.layers(),
                        log.experts(),
                        slots,
                        16);
        double misses = 0;
        double visited = 0;
        double fade = Math.pow(0.5, 1.0 / HALF_LIFE);
        for (Step step : log.steps()) {
            misses *= Math.pow(fade, step.tokens());
            visited *= Math.pow(fade, step.tokens());
            for (Visit visit : step.visits()) {
                misses += cache.visit(visit.layer(), visit.experts(), null);
                visited += visit.experts().length;
            }
        }
        return 1 - misses / visited;
    }

    static boolean[] routed(int layers) {
        boolean[] routed = new boolean[layers];
        Arrays.fill(routed, true);
        return routed;
    }
}
