package io.greenroom.plugin.cli;

import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.function.ToDoubleFunction;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** What prefetch brings, and that auto does not hurt. */
@Command(
        name = "prefetch",
        description = {
            "Prefetch off, auto and on, on the disk as it is, on a busy one or on a slow one.",
            "on reads ahead whether it pays or not; auto stops where it does not."
        })
final class PrefetchBenchCommand implements Callable<Integer> {

    @Spec private CommandSpec spec = CommandSpec.create();

    @Mixin private BenchSettings settings = new BenchSettings();

    @Option(
            names = "--budget",
            defaultValue = "50%",
            paramLabel = "BUDGET",
            description = "Memory for routed experts (default: 50%%).")
    private String budget = "50%";

    @Option(
            names = "--saturate",
            description = "Let another thread read the same file at random places all the time.")
    private boolean saturate;

    @Option(
            names = "--link",
            paramLabel = "RATE",
            description = "Read experts no faster than this, such as 200MB/s.")
    private @Nullable String link;

    @Override
    public Integer call() throws IOException, InterruptedException {
        List<Comparison.Way> ways = List.of(way("off"), way("auto"), way("on"));
        PrintWriter err = spec.commandLine().getErr();
        Comparison comparison;
        if (saturate) {
            try (DirectReads.Competitor competitor =
                    new DirectReads.Competitor(Comparison.weights(settings.definition(Map.of())))) {
                long begin = System.nanoTime();
                comparison = Comparison.run("Prefetch", settings, ways, err);
                double seconds = (System.nanoTime() - begin) / 1e9;
                err.printf(
                        Locale.ROOT,
                        "The competing reader read %.0f MB/s%n",
                        competitor.bytes() / 1e6 / seconds);
            }
        } else {
            comparison = Comparison.run("Prefetch", settings, ways, err);
        }
        PrintWriter out = spec.commandLine().getOut();
        if (settings.json()) {
            out.println(new GsonBuilder().setPrettyPrinting().create().toJson(json(comparison)));
        } else {
            print(out, comparison);
        }
        out.flush();
        return 0;
    }

    private Comparison.Way way(String mode) {
        Map<String, String> options = new LinkedHashMap<>();
        options.put("prefetch", mode);
        options.put("expert_budget", budget);
        if (link != null) {
            options.put("link_limit", link);
        }
        return new Comparison.Way(mode, options);
    }

    private JsonObject json(Comparison comparison) {
        JsonObject json = new JsonObject();
        json.addProperty("budget", budget);
        json.addProperty("saturated", saturate);
        json.addProperty("link", link == null ? "as it is" : link);
        JsonArray modes = new JsonArray();
        Comparison.Way off = comparison.ways().get(0);
        for (Comparison.Way way : comparison.ways()) {
            JsonObject mode = comparison.toJson(way);
            mode.add("times_as_fast_as_off", comparison.speedup(way, off).toJson());
            mode.add("prefetched", count(comparison, way, r -> r.cache().prefetchIssued()));
            mode.add("useful", count(comparison, way, r -> r.cache().prefetchUseful()));
            mode.add("late", count(comparison, way, r -> r.cache().prefetchLate()));
            mode.add("wasted", count(comparison, way, r -> r.cache().prefetchWasted()));
            mode.addProperty("reason", last(comparison, way).prefetch().reason());
            mode.addProperty("link_idle_share", last(comparison, way).prefetch().idleShare());
            modes.add(mode);
        }
        json.add("modes", modes);
        json.addProperty("tokens_identical", true);
        return json;
    }

    private static JsonObject count(
            Comparison comparison, Comparison.Way way, ToDoubleFunction<BenchRun.Result> figure) {
        return comparison.spread(way, figure).toJson();
    }

    private static BenchRun.Result last(Comparison comparison, Comparison.Way way) {
        List<BenchRun.Result> results = comparison.of(way);
        return results.get(results.size() - 1);
    }

    private static void print(PrintWriter out, Comparison comparison) {
        out.println(Comparison.heading());
        for (Comparison.Way way : comparison.ways()) {
            out.println(comparison.line(way));
        }
        Comparison.Way off = comparison.ways().get(0);
        for (Comparison.Way way : comparison.ways().subList(1, comparison.ways().size())) {
            BenchRun.Result result = last(comparison, way);
            out.printf(
                    Locale.ROOT,
                    "%s is %s times as fast as off; first token after %s s, without %s s%n"
                            + "    of %d read ahead %d useful, %d late, %d wasted; link idle %.0f"
                            + " %%; %s%n",
                    way.name(),
                    comparison.speedup(way, off).inWords(3),
                    comparison.spread(way, BenchRun.Result::firstTokenSeconds).inWords(2),
                    comparison.spread(off, BenchRun.Result::firstTokenSeconds).inWords(2),
                    result.cache().prefetchIssued(),
                    result.cache().prefetchUseful(),
                    result.cache().prefetchLate(),
                    result.cache().prefetchWasted(),
                    100 * result.prefetch().idleShare(),
                    result.prefetch().reason());
        }
        out.println("All runs produced the same tokens.");
    }
}
