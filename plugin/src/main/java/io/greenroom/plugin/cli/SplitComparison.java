package io.greenroom.plugin.cli;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.greenroom.cache.plan.EqualSplit;
import io.greenroom.cache.plan.GeneticSplit;
import io.greenroom.cache.plan.OptimalSplit;
import io.greenroom.cache.plan.ShallowFavouring;
import io.greenroom.cache.plan.SplitProblem;
import io.greenroom.cache.plan.Splitter;
import io.greenroom.cache.plan.TracePlanner;
import io.greenroom.cache.policy.LayerSplit;
import io.greenroom.cache.policy.PolicyName;
import io.greenroom.cache.sim.RoutingSequence;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Ways of dividing slots between layers, side by side.
 *
 * @param results one for each budget and way
 */
record SplitComparison(List<Result> results) {

    private static final int SEED = 1;

    /**
     * What one way comes to.
     *
     * @param way "planner" for what is proposed, be it a division or the shared pool; "optimum" for
     *     the dynamic programme over the policy's curves, which "genetic" searches too
     * @param split slots of each layer; empty for the shared pool
     * @param planned hit rate that the miss curves promise; NaN for the shared pool
     * @param hitRate of a replay of the held-out traffic
     * @param bytesPerToken of that replay
     * @param overshoot slots that the genetic search would have taken too many without repair
     * @param micros it took to divide the slots, the curves being known; 0 for "planner", which
     *     replays the traces besides
     */
    record Result(
            int slots,
            String way,
            int[] split,
            double planned,
            double hitRate,
            double bytesPerToken,
            int overshoot,
            long micros) {}

    static SplitComparison of(
            List<RoutingSequence> training,
            List<RoutingSequence> heldOut,
            PolicyName policy,
            PlanTable table) {
        TracePlanner planner = new TracePlanner(training, policy);
        List<Result> results = new ArrayList<>();
        for (PlanTable.Row row : table.rows()) {
            if (row.forecast() != null) {
                results.addAll(compare(planner, row.slots(), heldOut, policy));
            }
        }
        return new SplitComparison(results);
    }

    private static List<Result> compare(
            TracePlanner planner, int slots, List<RoutingSequence> heldOut, PolicyName policy) {
        SplitProblem problem = planner.problem(slots);
        List<Result> results = new ArrayList<>();
        int[] planned = planner.divide(slots).split();
        results.add(result("planner", problem, planned, 0, 0, heldOut, policy));
        GeneticSplit genetic = new GeneticSplit(SEED);
        Map<String, Splitter> ways = new LinkedHashMap<>();
        ways.put("optimum", new OptimalSplit());
        ways.put("genetic", genetic);
        ways.put("shallow", new ShallowFavouring());
        ways.put("equal", new EqualSplit());
        for (Map.Entry<String, Splitter> way : ways.entrySet()) {
            long start = System.nanoTime();
            int[] split = way.getValue().split(problem);
            long micros = (System.nanoTime() - start) / 1000;
            int overshoot = way.getValue() == genetic ? genetic.search(problem).overshoot() : 0;
            results.add(result(way.getKey(), problem, split, overshoot, micros, heldOut, policy));
        }
        results.add(result("shared", problem, null, 0, 0, heldOut, policy));
        return results;
    }

    private static Result result(
            String way,
            SplitProblem problem,
            int @Nullable [] split,
            int overshoot,
            long micros,
            List<RoutingSequence> heldOut,
            PolicyName policy) {
        PlanTable.Forecast judged =
                PlanTable.forecast(
                        heldOut,
                        policy,
                        split == null ? null : new LayerSplit(split),
                        problem.slots(),
                        null);
        return new Result(
                problem.slots(),
                way,
                split == null ? new int[0] : split,
                split == null ? Double.NaN : problem.hitRate(split),
                judged.hitRate(),
                judged.bytesPerToken(),
                overshoot,
                micros);
    }

    List<String> lines() {
        List<String> lines = new ArrayList<>();
        lines.add("");
        lines.add(
                String.format(
                        Locale.ROOT,
                        "%-8s %-8s %9s %9s %12s %10s %9s  %s",
                        "experts",
                        "divided",
                        "promised",
                        "hits",
                        "read/token",
                        "overshoot",
                        "planned",
                        "slots of each layer"));
        for (Result result : results) {
            boolean pool = result.split().length == 0;
            String slots =
                    Arrays.stream(result.split())
                            .mapToObj(Integer::toString)
                            .collect(Collectors.joining(","));
            lines.add(
                    String.format(
                            Locale.ROOT,
                            "%-8d %-8s %9s %9s %12s %10s %9s  %s",
                            result.slots(),
                            result.way(),
                            pool ? "-" : PlanTable.percent(result.planned()),
                            PlanTable.percent(result.hitRate()),
                            ModelFacts.size((long) result.bytesPerToken()),
                            result.way().equals("genetic") ? result.overshoot() : "-",
                            result.micros() == 0
                                    ? "-"
                                    : String.format(Locale.ROOT, "%.1f ms", result.micros() / 1e3),
                            pool ? "one pool" : slots));
        }
        lines.add("");
        lines.add(
                "A division is put into effect with option cache_split and its slots, as written.");
        return lines;
    }

    JsonArray json() {
        JsonArray array = new JsonArray();
        for (Result result : results) {
            JsonObject json = new JsonObject();
            json.addProperty("slots", result.slots());
            json.addProperty("divided", result.way());
            json.addProperty("hit_rate", result.hitRate());
            json.addProperty("bytes_per_token", result.bytesPerToken());
            if (result.split().length > 0) {
                json.addProperty("promised_hit_rate", result.planned());
                json.addProperty("overshoot_slots", result.overshoot());
                json.addProperty("plan_microseconds", result.micros());
                JsonArray split = new JsonArray();
                Arrays.stream(result.split()).forEach(split::add);
                json.add("split", split);
            }
            array.add(json);
        }
        return array;
    }
}
