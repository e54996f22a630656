package io.greenroom.cache.plan;

import io.greenroom.cache.policy.LayerSplit;
import io.greenroom.cache.policy.PolicyName;
import io.greenroom.cache.sim.GuessSource;
import io.greenroom.cache.sim.PolicySimulator;
import io.greenroom.cache.sim.RoutingSequence;
import io.greenroom.cache.sim.SimulationResult;
import io.greenroom.cache.sim.SimulationSetup;
import io.greenroom.cache.sim.TimeModel;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Plans from traces whether and how slots are divided between layers, for one policy.
 *
 * <p>An optimum for a trace is not one for the next day's traffic: what it fits beyond what both
 * have in common is chance. So several divisions are made, the optima by different curves, and they
 * and the shared pool are judged by replays: by how much they read of the traces themselves, and of
 * each half of them when they are made from the other half only.
 */
public final class TracePlanner {

    /** Fewer visits than these cannot be halved to any purpose. */
    private static final int LEAST_VISITS = 64;

    private final PolicyName policy;
    private final Lesson whole;
    private final List<Lesson> halves; // two, or none if the traces are too short

    /**
     * What a division is made from.
     *
     * @param sequences each with an empty cache at first
     * @param lru curves of LRU
     * @param own curves of the policy itself
     */
    private record Lesson(
            List<RoutingSequence> sequences, List<MissCurve> lru, List<MissCurve> own) {}

    /** Ways to make a division. */
    private enum Way {
        /** None: one pool. */
        SHARED,
        /** The optimum by the policy's own curves. */
        OWN,
        /** The optimum by LRU's, which depend less on what a policy has learnt so far. */
        LRU,
        /** The optimum by the mean of both. */
        BOTH
    }

    /**
     * What was planned.
     *
     * @param split slots of each layer, or null if one shared pool is best
     * @param bytesPerToken read by what was chosen: of the traces, and of their halves when it was
     *     made from the other half, taken together
     */
    public record Division(int @Nullable [] split, double bytesPerToken) {}

    /**
     * Replays the traces often enough to know all curves, which takes a while.
     *
     * @param sequences of one model, at least one
     * @throws IllegalArgumentException if there is none
     */
    public TracePlanner(List<RoutingSequence> sequences, PolicyName policy) {
        if (sequences.isEmpty()) {
            throw new IllegalArgumentException("There is no traffic to divide slots by");
        }
        this.policy = policy;
        whole = lesson(sequences);
        boolean halved = sequences.stream().allMatch(s -> s.visits().size() >= LEAST_VISITS);
        halves =
                halved
                        ? List.of(
                                lesson(sequences.stream().map(s -> half(s, true)).toList()),
                                lesson(sequences.stream().map(s -> half(s, false)).toList()))
                        : List.of();
    }

    /** What is divided with so many slots, by the policy's own curves. */
    public SplitProblem problem(int slots) {
        return problem(whole, Way.OWN, slots);
    }

    /** Divides slots, or does not. */
    public Division divide(int slots) {
        Way best = Way.SHARED;
        double fewest = read(Way.SHARED, slots);
        for (Way way : List.of(Way.OWN, Way.BOTH, Way.LRU)) {
            double bytes = read(way, slots);
            if (bytes < fewest) {
                fewest = bytes;
                best = way;
            }
        }
        return new Division(split(whole, best, slots), fewest);
    }

    /** Bytes read for a token, of what was learnt from and of what was not. */
    private double read(Way way, int slots) {
        double bytes = read(whole, split(whole, way, slots), slots);
        for (int i = 0; i < halves.size(); i++) {
            int[] split = split(halves.get(1 - i), way, slots);
            bytes += read(halves.get(i), split, slots) / halves.size();
        }
        return bytes;
    }

    private double read(Lesson lesson, int @Nullable [] split, int slots) {
        long bytes = 0;
        long tokens = 0;
        SimulationSetup setup =
                new SimulationSetup(
                        policy,
                        split == null ? null : new LayerSplit(split),
                        slots,
                        GuessSource.NONE,
                        TimeModel.INSTANT);
        for (RoutingSequence sequence : lesson.sequences()) {
            SimulationResult result = PolicySimulator.run(sequence, setup);
            bytes += result.bytesLoaded();
            tokens += result.tokens();
        }
        return (double) bytes / Math.max(1, tokens);
    }

    private static int @Nullable [] split(Lesson lesson, Way way, int slots) {
        return way == Way.SHARED ? null : new OptimalSplit().split(problem(lesson, way, slots));
    }

    private static SplitProblem problem(Lesson lesson, Way way, int slots) {
        List<MissCurve> curves =
                switch (way) {
                    case SHARED, OWN -> lesson.own();
                    case LRU -> lesson.lru();
                    case BOTH -> mean(lesson.own(), lesson.lru());
                };
        RoutingSequence first = lesson.sequences().get(0);
        int least = SplitProblem.leastFor(curves, first.shape().expertsPerToken(), slots);
        return new SplitProblem(curves, first.expertBytes(), slots, least);
    }

    private static List<MissCurve> mean(List<MissCurve> one, List<MissCurve> other) {
        List<MissCurve> mean = new ArrayList<>();
        for (int layer = 0; layer < one.size(); layer++) {
            double[] values = one.get(layer).values();
            for (int slots = 0; slots < values.length; slots++) {
                values[slots] = (values[slots] + other.get(layer).misses(slots)) / 2;
            }
            mean.add(MissCurve.of(values));
        }
        return mean;
    }

    private Lesson lesson(List<RoutingSequence> sequences) {
        return new Lesson(
                sequences,
                MissCurves.lru(sequences, false),
                MissCurves.replayed(sequences, policy));
    }

    /** The first or the second half of a sequence, in whole steps. */
    private static RoutingSequence half(RoutingSequence sequence, boolean first) {
        List<RoutingSequence.Visit> visits = sequence.visits();
        int middle = visits.size() / 2;
        while (middle < visits.size() - 1
                && visits.get(middle).step() == visits.get(middle - 1).step()) {
            middle++;
        }
        List<RoutingSequence.Visit> half =
                first ? visits.subList(0, middle) : visits.subList(middle, visits.size());
        long tokens = 0;
        int step = -1;
        for (RoutingSequence.Visit visit : half) {
            tokens += visit.step() == step ? 0 : visit.rows();
            step = visit.step();
        }
        return new RoutingSequence(sequence.shape(), half, tokens, sequence.expertBytes());
    }
}
