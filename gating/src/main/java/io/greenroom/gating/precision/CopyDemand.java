package io.greenroom.gating.precision;

import io.greenroom.cache.plan.LowCopies;
import io.greenroom.cache.plan.MissCurves;
import io.greenroom.cache.policy.CacheShape;
import io.greenroom.cache.sim.RoutingSequence;
import io.greenroom.cache.sim.RoutingSequence.Visit;
import io.greenroom.cache.trace.RoutingTrace;
import io.greenroom.cache.trace.TraceHeader;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** What copies a model would be asked for, learnt from traces; what the planner mixes by. */
public final class CopyDemand {

    private CopyDemand() {}

    /**
     * Replays traces without a single slot for copies and looks at what is missing: how much of it
     * is needed in full, for how much a copy would do, and how often the same copy is asked for
     * again.
     *
     * @param setup whose slots the experts have; its copies' slots do not count
     * @param copySlotBytes memory one copy takes
     * @throws IllegalArgumentException as {@link MixedReplay#run}
     */
    public static LowCopies of(
            List<RoutingTrace> traces, MixedReplay.Setup setup, long copySlotBytes) {
        MixedReplay.Setup alone =
                new MixedReplay.Setup(
                        setup.policy(),
                        setup.split(),
                        setup.slots(),
                        0,
                        setup.copyBytes(),
                        setup.rule(),
                        setup.time());
        MixedResult sum = MixedResult.NONE;
        List<RoutingSequence> requests = new ArrayList<>();
        for (RoutingTrace trace : traces) {
            List<Visit> asked = new ArrayList<>();
            sum =
                    sum.plus(
                            MixedReplay.run(
                                    trace,
                                    alone,
                                    (step, layer, experts) ->
                                            asked.add(Visit.of(step, layer, experts))));
            requests.add(sequence(trace, asked, setup.copyBytes()));
        }
        TraceHeader header = traces.get(0).header();
        long[] missBytes = new long[header.layers()];
        Arrays.fill(missBytes, setup.copyBytes());
        long inFull = sum.asked() - sum.hits();
        double missing = Math.max(1, inFull + sum.copiesAsked() + sum.without());
        return new LowCopies(
                copySlotBytes,
                missBytes,
                inFull / missing,
                sum.copiesAsked() / missing,
                MissCurves.lru(requests, false));
    }

    private static RoutingSequence sequence(RoutingTrace trace, List<Visit> asked, long copyBytes) {
        TraceHeader header = trace.header();
        long[] bytes = new long[header.layers()];
        Arrays.fill(bytes, copyBytes);
        CacheShape shape =
                new CacheShape(header.layers(), header.experts(), header.expertsPerToken());
        return new RoutingSequence(shape, asked, trace.rows(), bytes);
    }
}
