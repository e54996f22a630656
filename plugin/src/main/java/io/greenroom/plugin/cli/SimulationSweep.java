package io.greenroom.plugin.cli;

import io.greenroom.cache.policy.LayerSplit;
import io.greenroom.cache.policy.PolicyName;
import io.greenroom.cache.sim.Clairvoyant;
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
 * Simulates policies at budgets, over one or several traces that each begin with an empty cache.
 *
 * @param budgets what was simulated, from small to large
 * @param lines results of each policy
 * @param bounds hits of the clairvoyant at each budget, all traces together
 * @param asked experts that visits asked for
 * @param decodeAsked those of steps without rows of a prompt
 * @param tokens rows of all steps
 */
record SimulationSweep(
        List<Budget> budgets,
        List<Line> lines,
        List<Clairvoyant.Bound> bounds,
        long asked,
        long decodeAsked,
        long tokens) {

    /**
     * A budget.
     *
     * @param text as it was asked for
     * @param slots what it comes to
     */
    record Budget(String text, int slots) {}

    /**
     * A policy, with its results at each budget.
     *
     * @param split whether layers have slots of their own
     */
    record Line(PolicyName policy, boolean split, List<SimulationResult> results) {

        String name() {
            return policy + (split ? "/layers" : "");
        }
    }

    /**
     * What is compared.
     *
     * @param foresight tokens ahead of which policies are told the truth; 0 for none
     */
    record Plan(
            List<Budget> budgets,
            List<PolicyName> policies,
            List<Boolean> splits,
            GuessSource guesses,
            int foresight,
            TimeModel time) {}

    static SimulationSweep run(List<RoutingSequence> traces, Plan plan) {
        List<Line> lines = new ArrayList<>();
        for (PolicyName policy : plan.policies()) {
            for (boolean split : plan.splits()) {
                List<SimulationResult> results = new ArrayList<>();
                for (Budget budget : plan.budgets()) {
                    results.add(simulate(traces, plan, policy, split, budget.slots()));
                }
                lines.add(new Line(policy, split, results));
            }
        }
        long asked = 0;
        long decodeAsked = 0;
        long tokens = 0;
        for (RoutingSequence trace : traces) {
            tokens += trace.tokens();
            for (RoutingSequence.Visit visit : trace.visits()) {
                asked += visit.experts().length;
                decodeAsked += visit.decode() ? visit.experts().length : 0;
            }
        }
        return new SimulationSweep(
                plan.budgets(), lines, bounds(traces, plan.budgets()), asked, decodeAsked, tokens);
    }

    /** Hits at a budget as a share of the clairvoyant's. */
    double ofClairvoyant(Line line, int budget, boolean decode) {
        SimulationResult result = line.results().get(budget);
        Clairvoyant.Bound bound = bounds.get(budget);
        return decode
                ? share(result.decodeHits(), bound.decodeHits())
                : share(result.hits(), bound.hits());
    }

    private static double share(long part, long whole) {
        return whole == 0 ? 1 : (double) part / whole;
    }

    private static SimulationResult simulate(
            List<RoutingSequence> traces, Plan plan, PolicyName policy, boolean split, int slots) {
        @Nullable SimulationResult sum = null;
        for (RoutingSequence trace : traces) {
            SimulationSetup setup =
                    new SimulationSetup(
                            policy,
                            split ? evenSplit(trace) : null,
                            slots,
                            plan.guesses(),
                            plan.time());
            int visits = plan.foresight() * trace.tokenExperts() / trace.shape().expertsPerToken();
            SimulationResult result =
                    visits == 0
                            ? PolicySimulator.run(trace, setup)
                            : PolicySimulator.runWithForesight(trace, setup, visits);
            sum = sum == null ? result : sum.plus(result);
        }
        if (sum == null) {
            throw new IllegalArgumentException("There is no trace to simulate");
        }
        return sum;
    }

    private static List<Clairvoyant.Bound> bounds(
            List<RoutingSequence> traces, List<Budget> budgets) {
        List<Clairvoyant> all = traces.stream().map(Clairvoyant::new).toList();
        List<Clairvoyant.Bound> bounds = new ArrayList<>();
        for (Budget budget : budgets) {
            long hits = 0;
            long decodeHits = 0;
            long bytes = 0;
            for (Clairvoyant clairvoyant : all) {
                Clairvoyant.Bound bound = clairvoyant.bound(budget.slots());
                hits += bound.hits();
                decodeHits += bound.decodeHits();
                bytes += bound.bytesLoaded();
            }
            bounds.add(new Clairvoyant.Bound(hits, decodeHits, bytes));
        }
        return bounds;
    }

    private static LayerSplit evenSplit(RoutingSequence trace) {
        long[] bytes = trace.expertBytes();
        boolean[] routed = new boolean[bytes.length];
        for (int layer = 0; layer < bytes.length; layer++) {
            routed[layer] = bytes[layer] > 0;
        }
        return LayerSplit.even(routed);
    }
}
