package io.greenroom.plugin.cli;

import io.greenroom.cache.plan.AssumedTraffic;
import io.greenroom.cache.plan.GeneticSplit;
import io.greenroom.cache.plan.GhostCurve;
import io.greenroom.cache.plan.GhostFeed;
import io.greenroom.cache.plan.MissCurve;
import io.greenroom.cache.plan.OptimalSplit;
import io.greenroom.cache.plan.SplitProblem;
import io.greenroom.cache.plan.Splitter;
import io.greenroom.cache.policy.CacheShape;
import io.greenroom.cache.policy.PolicyName;
import io.greenroom.cache.sim.RoutingSequence;
import io.greenroom.cache.sim.RoutingSequence.Visit;
import io.greenroom.offload.probe.Spread;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.function.LongSupplier;

/** How long planning takes, and what the live curve costs, on this machine. */
final class PlannerSpeed {

    private static final int LAYERS = 48;
    private static final int EXPERTS = 128;
    private static final int EXPERTS_PER_TOKEN = 8;
    private static final int ROUNDS = 41;
    private static final int TOKENS = 400;
    private static final int WARM_TOKENS = 200;

    private final LongSupplier clock;
    private final PolicyName policy;

    PlannerSpeed(LongSupplier clock, PolicyName policy) {
        this.clock = clock;
        this.policy = policy;
    }

    List<String> lines() {
        List<String> lines = new ArrayList<>();
        List<MissCurve> curves = curves(new Random(1));
        for (int percent : new int[] {25, 50, 75}) {
            int slots = LAYERS * EXPERTS * percent / 100;
            SplitProblem problem = SplitProblem.even(curves, slots, EXPERTS_PER_TOKEN);
            lines.add(
                    String.format(
                            Locale.ROOT,
                            "dividing %d slots between %d layers of %d experts: planner %s, genetic"
                                    + " search %s",
                            slots,
                            LAYERS,
                            EXPERTS,
                            times(problem, new OptimalSplit()),
                            times(problem, new GeneticSplit(1))));
        }
        lines.add(curveCost(8, 32, 4));
        lines.add(curveCost(16, 64, 8));
        lines.add(curveCost(LAYERS, EXPERTS, EXPERTS_PER_TOKEN));
        return lines;
    }

    private String times(SplitProblem problem, Splitter splitter) {
        double first = 0;
        double[] millis = new double[ROUNDS];
        for (int i = 0; i < ROUNDS; i++) {
            long start = clock.getAsLong();
            var unused = splitter.split(problem);
            millis[i] = (clock.getAsLong() - start) / 1e6;
            first = i == 0 ? millis[0] : first;
        }
        Spread spread = Spread.of(millis);
        return String.format(
                Locale.ROOT,
                "%.1f ms (%.1f-%.1f; the first %.1f)",
                spread.median(),
                spread.low(),
                spread.high(),
                first);
    }

    /** Falling curves with a cliff here and there. */
    private static List<MissCurve> curves(Random random) {
        List<MissCurve> curves = new ArrayList<>();
        for (int layer = 0; layer < LAYERS; layer++) {
            double[] misses = new double[EXPERTS + 1];
            double rate = 0.94 + 0.05 * random.nextDouble();
            double value = EXPERTS_PER_TOKEN;
            for (int slots = 0; slots <= EXPERTS; slots++) {
                misses[slots] = value;
                value *= random.nextInt(20) == 0 ? 0.8 : random.nextInt(3) == 0 ? 1 : rate;
            }
            curves.add(MissCurve.of(misses));
        }
        return curves;
    }

    private String curveCost(int layers, int experts, int expertsPerToken) {
        CacheShape shape = new CacheShape(layers, experts, expertsPerToken);
        boolean[] routed = new boolean[layers];
        Arrays.fill(routed, true);
        long[] bytes = new long[layers];
        Arrays.fill(bytes, 1);
        RoutingSequence traffic =
                new AssumedTraffic(0.8, 0.2).visits(shape, bytes, WARM_TOKENS + TOKENS, 1);
        GhostCurve curve = new GhostCurve(shape, routed, policy, null, 512);
        double[] nanos = costs(traffic, curve);
        return String.format(
                Locale.ROOT,
                "live curve of %d layers of %d experts, %d for each token, policy %s: %.1f us a"
                        + " token noted by the decoder, %.0f us computed beside it",
                layers,
                experts,
                expertsPerToken,
                policy,
                nanos[0] / 1e3 / TOKENS,
                nanos[1] / 1e3 / TOKENS);
    }

    /** Nanoseconds of noting visits, and of computing with them, once warm. */
    private double[] costs(RoutingSequence traffic, GhostCurve curve) {
        CacheShape shape = traffic.shape();
        List<Runnable> tasks = new ArrayList<>();
        GhostFeed feed = new GhostFeed(curve, tasks::add, shape.layers(), shape.experts());
        float[] scores = new float[shape.experts()];
        Arrays.fill(scores, 1f / shape.experts());
        double[] nanos = new double[2];
        for (int i = 0; i < traffic.visits().size(); i += shape.layers()) {
            long start = clock.getAsLong();
            for (Visit visit : traffic.visits().subList(i, i + shape.layers())) {
                feed.visit(visit.layer(), visit.experts(), visit.experts().length, scores);
            }
            feed.stepped(1, true);
            long noted = clock.getAsLong();
            tasks.forEach(Runnable::run);
            tasks.clear();
            if (i >= WARM_TOKENS * shape.layers()) {
                nanos[0] += noted - start;
                nanos[1] += clock.getAsLong() - noted;
            }
        }
        return nanos;
    }
}
