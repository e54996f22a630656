package io.greenroom.plugin.cli;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.greenroom.cache.plan.BudgetPlanner;
import io.greenroom.cache.plan.EqualSplit;
import io.greenroom.cache.plan.GeneticSplit;
import io.greenroom.cache.plan.MissCurves;
import io.greenroom.cache.plan.OptimalSplit;
import io.greenroom.cache.plan.ShallowFavouring;
import io.greenroom.cache.plan.SplitProblem;
import io.greenroom.cache.plan.Splitter;
import io.greenroom.cache.plan.TokenTime;
import io.greenroom.cache.policy.LayerSplit;
import io.greenroom.cache.policy.PolicyName;
import io.greenroom.cache.sim.RoutingSequence;
import io.greenroom.cache.sim.TimeModel;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

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
     * @param planned hit rate that the miss curves promise; NaN for the shared pool
     * @param hitRate of a replay of the held-out traffic
     * @param bytesPerToken of that replay
     * @param overshoot slots that the genetic search would have taken too many without repair
     * @param micros it took to divide the slots
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
        RoutingSequence first = training.get(0);
        BudgetPlanner planner =
                new BudgetPlanner(
                        new BudgetPlanner.Model(
                                1,
                                first.expertBytes(),
                                first.shape().expertsPerToken(),
                                MissCurves.lru(training, false)),
                        new TokenTime(
                                TimeModel.INSTANT,
                                first.shape().layers(),
                                first.shape().layers(),
                                first.shape().expertsPerToken()),
                        null,
                        null);
        List<Result> results = new ArrayList<>();
        for (PlanTable.Row row : table.rows()) {
            if (row.forecast() == null) {
                continue;
            }
            int slots = row.slots();
            SplitProblem problem = planner.problem(slots);
            GeneticSplit.Outcome genetic = new GeneticSplit(SEED).search(problem);
            for (Map.Entry<String, Splitter> way : ways().entrySet()) {
                long start = System.nanoTime();
                int[] split = way.getValue().split(problem);
                long micros = (System.nanoTime() - start) / 1000;
                PlanTable.Forecast judged =
                        PlanTable.forecast(heldOut, policy, new LayerSplit(split), slots, null);
                results.add(
                        new Result(
                                slots,
                                way.getKey(),
                                split,
                                problem.hitRate(split),
                                judged.hitRate(),
                                judged.bytesPerToken(),
                                way.getKey().equals("genetic") ? genetic.overshoot() : 0,
                                micros));
            }
            PlanTable.Forecast pool = PlanTable.forecast(heldOut, policy, null, slots, null);
            results.add(
                    new Result(
                            slots,
                            "shared",
                            new int[0],
                            Double.NaN,
                            pool.hitRate(),
                            pool.bytesPerToken(),
                            0,
                            0));
        }
        return new SplitComparison(results);
    }

    private static Map<String, Splitter> ways() {
        Map<String, Splitter> ways = new LinkedHashMap<>();
        ways.put("planner", new OptimalSplit());
        ways.put("genetic", new GeneticSplit(SEED));
        ways.put("shallow", new ShallowFavouring());
        ways.put("equal", new EqualSplit());
        return ways;
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
                            "%-8d %-8s %9s %9s %12s %10d %6.1f ms  %s",
                            result.slots(),
                            result.way(),
                            pool ? "-" : PlanTable.percent(result.planned()),
                            PlanTable.percent(result.hitRate()),
                            ModelFacts.size((long) result.bytesPerToken()),
                            result.overshoot(),
                            result.micros() / 1e3,
                            pool ? "-" : slots));
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
