package io.greenroom.plugin.cli;

import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** From load-on-demand to what a model gets by default, step by step. */
@Command(
        name = "ladder",
        description = {
            "Load-on-demand, LRU, LRU with hits first, and the default: the same model, kernels,"
                    + " bytes and tokens, step by step.",
            "load-on-demand keeps nothing and reads a layer's experts before it computes them; lru"
                    + " keeps the last used; hits-first computes those while it reads the others;"
                    + " ours is the default policy with prefetch auto."
        })
final class LadderCommand implements Callable<Integer> {

    static final Comparison.Way ON_DEMAND =
            new Comparison.Way(
                    "load-on-demand",
                    Map.of("cache_policy", "on_demand", "prefetch", "off", "overlap", "false"));
    static final Comparison.Way LRU =
            new Comparison.Way(
                    "lru", Map.of("cache_policy", "lru", "prefetch", "off", "overlap", "false"));
    static final Comparison.Way HITS_FIRST =
            new Comparison.Way("lru, hits first", Map.of("cache_policy", "lru", "prefetch", "off"));
    static final Comparison.Way OURS = new Comparison.Way("ours", Map.of());

    @Spec private CommandSpec spec = CommandSpec.create();

    @Mixin private BenchSettings settings = new BenchSettings();

    @Option(
            names = "--budget",
            split = ",",
            defaultValue = "25%,50%",
            paramLabel = "BUDGET",
            description = "Memory for routed experts, one or more (default: 25%%,50%%).")
    private List<String> budgets = List.of("25%", "50%");

    @Override
    public Integer call() throws IOException, InterruptedException {
        PrintWriter out = spec.commandLine().getOut();
        JsonArray all = new JsonArray();
        for (String budget : budgets) {
            List<Comparison.Way> ways =
                    List.of(ON_DEMAND, LRU, HITS_FIRST, OURS).stream()
                            .map(way -> at(budget, way))
                            .toList();
            Comparison comparison =
                    Comparison.run(
                            "Ladder at " + budget, settings, ways, spec.commandLine().getErr());
            if (settings.json()) {
                all.add(json(budget, comparison));
            } else {
                print(out, budget, comparison);
            }
        }
        if (settings.json()) {
            JsonObject result = new JsonObject();
            result.add("budgets", all);
            out.println(new GsonBuilder().setPrettyPrinting().create().toJson(result));
        }
        out.flush();
        return 0;
    }

    private static Comparison.Way at(String budget, Comparison.Way way) {
        Map<String, String> options = new LinkedHashMap<>(way.options());
        options.put("expert_budget", budget);
        return new Comparison.Way(way.name(), options);
    }

    private static JsonObject json(String budget, Comparison comparison) {
        List<Comparison.Way> ways = comparison.ways();
        Comparison.Way ours = ways.get(ways.size() - 1);
        JsonArray rungs = new JsonArray();
        for (Comparison.Way way : ways) {
            JsonObject rung = comparison.toJson(way);
            rung.add("ours_is_faster_by", comparison.speedup(ours, way).toJson());
            rungs.add(rung);
        }
        JsonObject json = new JsonObject();
        json.addProperty("budget", budget);
        json.add("ways", rungs);
        json.addProperty("tokens_identical", true);
        return json;
    }

    private static void print(PrintWriter out, String budget, Comparison comparison) {
        List<Comparison.Way> ways = comparison.ways();
        Comparison.Way ours = ways.get(ways.size() - 1);
        out.println("Budget " + budget);
        out.println(Comparison.heading());
        for (Comparison.Way way : ways) {
            out.println(comparison.line(way));
        }
        for (Comparison.Way way : ways.subList(0, ways.size() - 1)) {
            out.println(
                    "ours is "
                            + comparison.speedup(ours, way).inWords(2)
                            + " times as fast as "
                            + way.name());
        }
        out.println("All runs produced the same tokens.");
        out.println();
        out.flush();
    }
}
