package io.greenroom.gating.precision;

import io.greenroom.cache.plan.ShadowCache;
import io.greenroom.cache.policy.CacheShape;
import io.greenroom.cache.policy.EvictionPolicies;
import io.greenroom.cache.policy.LayerSplit;
import io.greenroom.cache.policy.PolicyName;
import io.greenroom.cache.sim.RoutingSequence;
import io.greenroom.cache.sim.RoutingSequence.Visit;
import io.greenroom.cache.sim.TimeModel;
import io.greenroom.cache.trace.LayerRouting;
import io.greenroom.cache.trace.RoutingTrace;
import io.greenroom.cache.trace.TraceHeader;
import io.greenroom.cache.trace.TraceSection;
import io.greenroom.cache.trace.TraceStep;
import io.greenroom.gating.ExpertGroups;
import io.greenroom.gating.RoutingDecision;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Replays a routing trace through a cache of experts and one of low-bit copies, both empty at
 * first, with the rule and the policies the decoder has: what a mix of precisions would bring,
 * before it is tried. Traces are recorded without copies; that doing without an expert changes the
 * router's next choices a little is left out.
 *
 * <p>Nothing is read ahead. Times are those of the model given, for requests one at a time.
 */
public final class MixedReplay {

    /** The copies' cache in the decoder: one pool of its own. */
    private static final PolicyName COPY_POLICY = PolicyName.TINYLFU;

    /** One expert missing at a time is what the copies' cache is made for. */
    private static final int COPY_FLOOR = 1;

    private final Setup setup;
    private final RoutingTrace trace;
    private final ShadowCache full;
    private final @Nullable ShadowCache copies;
    private final PrecisionChooser chooser;
    private final ExpertGroups groups;
    private final Requests requests;
    private final BitSet residents = new BitSet();
    private final BitSet residentCopies = new BitSet();

    private long selections;
    private long copied;
    private long skipped;
    private long asked;
    private long hits;
    private long copiesAsked;
    private long copyHits;
    private long without;
    private long bytes;
    private long decodeTokens;
    private double decodeNanos;

    /**
     * What is replayed.
     *
     * @param policy of the experts' cache
     * @param split of its slots between layers, or null for one pool
     * @param slots of experts
     * @param copySlots slots of copies; 0 for none
     * @param copyBytes bytes read for a copy
     * @param rule which experts of a token may be copies
     * @param time how long things take
     */
    public record Setup(
            PolicyName policy,
            @Nullable LayerSplit split,
            int slots,
            int copySlots,
            long copyBytes,
            PrecisionRule rule,
            TimeModel time) {}

    /** Is told of the copies that a visit asks for. */
    @FunctionalInterface
    interface Requests {
        void asked(int step, int layer, int[] experts);
    }

    private MixedReplay(RoutingTrace trace, Setup setup, Requests requests) {
        TraceHeader header = trace.header();
        this.trace = trace;
        this.setup = setup;
        this.requests = requests;
        CacheShape shape =
                new CacheShape(header.layers(), header.experts(), header.expertsPerToken());
        full = cache(setup.policy(), shape, setup.slots(), setup.split());
        copies =
                setup.copySlots() == 0
                        ? null
                        : cache(
                                COPY_POLICY,
                                new CacheShape(header.layers(), header.experts(), COPY_FLOOR),
                                setup.copySlots(),
                                null);
        chooser = new PrecisionChooser(setup.rule(), header.experts());
        groups = new ExpertGroups(header.experts());
    }

    /**
     * Replays traces one by one, each into empty caches.
     *
     * @throws IllegalArgumentException if a trace has no router probabilities, from which the rule
     *     takes how much an expert matters
     */
    public static MixedResult run(List<RoutingTrace> traces, Setup setup) {
        MixedResult sum = MixedResult.NONE;
        for (RoutingTrace trace : traces) {
            sum = sum.plus(run(trace, setup, (step, layer, experts) -> {}));
        }
        return sum;
    }

    static MixedResult run(RoutingTrace trace, Setup setup, Requests requests) {
        if (!trace.header().has(TraceSection.PROBABILITIES)) {
            throw new IllegalArgumentException(
                    "The trace of "
                            + trace.header().model()
                            + " has no router probabilities, so that nobody knows which experts"
                            + " matter little; record one with them (they are recorded unless"
                            + " left out)");
        }
        return new MixedReplay(trace, setup, requests).replay();
    }

    private MixedResult replay() {
        List<Visit> visits = RoutingSequence.of(trace).visits();
        int[] layers = trace.header().moeLayers();
        float[] scores = new float[trace.header().experts()];
        int next = 0;
        for (TraceStep step : trace.steps()) {
            double nanos = setup.time().step();
            for (int i = 0; i < layers.length; i++) {
                Visit visit = visits.get(next++);
                Arrays.fill(scores, 0);
                for (int s = 0; s < visit.scored().length; s++) {
                    scores[visit.scored()[s]] = visit.scores()[s];
                }
                nanos += visit(visit, decision(step.layers().get(i), step.rows()), scores);
            }
            if (step.decodeOnly()) {
                decodeTokens += step.rows();
                decodeNanos += nanos;
            }
        }
        return new MixedResult(
                selections,
                copied,
                skipped,
                asked,
                hits,
                copiesAsked,
                copyHits,
                without,
                bytes,
                trace.rows(),
                decodeTokens,
                decodeNanos);
    }

    /** What the router chose: ranks and the probabilities they rest on. */
    private RoutingDecision decision(LayerRouting routing, int rows) {
        int k = trace.header().expertsPerToken();
        int m = trace.header().topSet();
        int[] experts = new int[rows * k];
        float[] weights = new float[rows * k];
        for (int row = 0; row < rows; row++) {
            System.arraycopy(routing.experts(), row * m, experts, row * k, k);
            System.arraycopy(routing.probabilities(), row * m, weights, row * k, k);
        }
        return new RoutingDecision(rows, k, experts, weights);
    }

    /** Returns how long the layer takes, in nanoseconds. */
    private double visit(Visit visit, RoutingDecision decision, float[] scores) {
        int layer = visit.layer();
        groups.group(decision);
        full.prepare();
        full.residentsOf(layer, residents);
        if (copies != null) {
            copies.residentsOf(layer, residentCopies);
        }
        chooser.choose(decision, groups, residents, residentCopies);
        Clock clock = new Clock(groups.count());
        int[] wanted = wanted(Precision.FULL);
        for (int expert : wanted) {
            asked++;
            hits += take(expert, residents, expertBytes(layer), clock);
        }
        int[] wantedCopies = wanted(Precision.COPY);
        for (int expert : wantedCopies) {
            copiesAsked++;
            copyHits += take(expert, residentCopies, setup.copyBytes(), clock);
            copied += groups.size(groups.groupOf(expert));
        }
        for (int expert : wanted(Precision.SKIPPED)) {
            without++;
            skipped += groups.size(groups.groupOf(expert));
        }
        selections += decision.experts().length;
        full.visit(layer, wanted, scores);
        if (wantedCopies.length > 0) {
            requests.asked(visit.step(), layer, wantedCopies);
            if (copies != null) {
                copies.visit(layer, wantedCopies, null);
            }
        }
        return setup.time().layer() + visit.rows() * setup.time().row() + clock.over();
    }

    /** The experts that take part in one form, the most popular first. */
    private int[] wanted(Precision precision) {
        int[] experts = new int[groups.count()];
        int count = 0;
        for (int group = 0; group < experts.length; group++) {
            if (chooser.of(group) == precision) {
                experts[count++] = groups.expert(group);
            }
        }
        return Arrays.copyOf(experts, count);
    }

    /** Computes an expert or a copy, reads it if it is not there; 1 if it was, else 0. */
    private int take(int expert, BitSet present, long itsBytes, Clock clock) {
        boolean hit = present.get(expert);
        clock.compute(groups.size(groups.groupOf(expert)), hit ? 0 : itsBytes);
        bytes += hit ? 0 : itsBytes;
        return hit ? 1 : 0;
    }

    private long expertBytes(int layer) {
        return trace.header().expertBytes()[layer];
    }

    private ShadowCache cache(
            PolicyName policy, CacheShape shape, int slots, @Nullable LayerSplit split) {
        return new ShadowCache(
                EvictionPolicies.create(policy, shape, slots, split),
                shape.layers(),
                shape.experts(),
                slots,
                Math.max(16, 2 * shape.expertsPerToken()));
    }

    /**
     * A visit's time: what is resident is computed while what is missing comes over the link, one
     * after the other, and is computed as it arrives.
     */
    private final class Clock {

        private final double[] reads; // nanoseconds on the link, of what is missing
        private final double[] computes; // nanoseconds, of the same
        private int missing;
        private double atHand; // nanoseconds of computing what is resident

        Clock(int most) {
            reads = new double[most];
            computes = new double[most];
        }

        /**
         * @param toRead bytes; 0 for what is resident
         */
        void compute(int rows, long toRead) {
            double each = setup.time().expert() + rows * setup.time().expertRow();
            if (toRead == 0) {
                atHand += each;
            } else {
                reads[missing] = setup.time().transfer(toRead);
                computes[missing++] = each;
            }
        }

        double over() {
            double arrived = setup.time().readLatency();
            double busy = atHand;
            boolean waited = false;
            for (int i = 0; i < missing; i++) {
                arrived += reads[i];
                if (arrived > busy) {
                    busy = arrived + (waited ? 0 : setup.time().resume());
                    waited = true;
                }
                busy += computes[i];
            }
            return busy;
        }
    }
}
