package io.greenroom.plugin.cli;

import com.google.gson.JsonObject;
import io.greenroom.cache.ExpertId;
import io.greenroom.offload.store.Checkpoint;
import io.greenroom.offload.store.Checkpoints;
import io.greenroom.plugin.host.ModelDefinition;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.ToDoubleFunction;

/**
 * Runs of several ways to run a model, in turn: every other round in reverse, so that a drift of
 * the machine favours none.
 */
final class Comparison {

    /**
     * One way to run the model.
     *
     * @param name for people and scripts
     * @param options that make it so
     */
    record Way(String name, Map<String, String> options) {}

    private final List<Way> ways;
    private final Map<Way, List<BenchRun.Result>> results = new LinkedHashMap<>();

    private Comparison(List<Way> ways) {
        this.ways = ways;
        ways.forEach(way -> results.put(way, new ArrayList<>()));
    }

    /**
     * Runs all rounds.
     *
     * @param what for the progress on {@code err}
     * @throws IOException if a run fails, or the tokens of two runs differ
     */
    static Comparison run(String what, BenchSettings settings, List<Way> ways, PrintWriter err)
            throws IOException, InterruptedException {
        BenchRun.Work work = settings.work();
        Comparison comparison = new Comparison(ways);
        if (settings.preread()) {
            preread(settings.definition(ways.get(0).options()), err);
        }
        int done = 0;
        int all = ways.size() * settings.repeat() + 1;
        try (ProgressBar bar = new ProgressBar(what, ProgressBar.Unit.COUNT, err)) {
            // Not counted: the first run of a JVM pays for compiling what all of them run.
            BenchRun.of(settings.definition(ways.get(ways.size() - 1).options()), work);
            bar.update(++done, all);
            for (int round = 0; round < settings.repeat(); round++) {
                List<Way> order = new ArrayList<>(ways);
                if (round % 2 == 1) {
                    Collections.reverse(order);
                }
                for (Way way : order) {
                    comparison.add(way, BenchRun.of(settings.definition(way.options()), work));
                    bar.update(++done, all);
                }
            }
        }
        return comparison;
    }

    private void add(Way way, BenchRun.Result result) throws IOException {
        for (List<BenchRun.Result> others : results.values()) {
            if (!others.isEmpty() && !Arrays.equals(others.get(0).tokens(), result.tokens())) {
                throw new IOException(
                        "The tokens of \"" + way.name() + "\" differ from those of another run");
            }
        }
        results.getOrDefault(way, new ArrayList<>()).add(result);
    }

    /** The files of a checkpoint, read around the page cache. */
    static void preread(ModelDefinition definition, PrintWriter err) throws IOException {
        Path file = weights(definition);
        long size = Files.size(file);
        try (ProgressBar bar =
                new ProgressBar("Reading the model once", ProgressBar.Unit.BYTES, err)) {
            DirectReads.once(file, read -> bar.update(read, size));
        }
    }

    /** The file that holds a model's experts, of several the one of the first layer's. */
    static Path weights(ModelDefinition definition) throws IOException {
        Path path = definition.path();
        String within = definition.options().get("model");
        Path location = within == null ? path : path.resolve(within);
        Checkpoint checkpoint = Checkpoints.open(location);
        for (int layer = 0; layer < checkpoint.spec().layers(); layer++) {
            if (checkpoint.spec().moeLayers()[layer]) {
                return checkpoint.expert(new ExpertId(layer, 0)).gate().file();
            }
        }
        throw new IOException("The model at " + location + " has no layer with experts");
    }

    List<Way> ways() {
        return ways;
    }

    List<BenchRun.Result> of(Way way) {
        return results.getOrDefault(way, List.of());
    }

    Spread spread(Way way, ToDoubleFunction<BenchRun.Result> figure) {
        return Spread.of(of(way).stream().map(figure::applyAsDouble).toList());
    }

    /** How many times as fast one way was as another, round by round. */
    Spread speedup(Way way, Way over) {
        List<Double> ratios = new ArrayList<>();
        for (int round = 0; round < of(way).size(); round++) {
            ratios.add(
                    of(way).get(round).tokensPerSecond() / of(over).get(round).tokensPerSecond());
        }
        return Spread.of(ratios);
    }

    /** Figures of one way that every comparison shows. */
    JsonObject toJson(Way way) {
        JsonObject json = new JsonObject();
        json.addProperty("way", way.name());
        json.add("tokens_per_second", spread(way, BenchRun.Result::tokensPerSecond).toJson());
        json.add("first_token_seconds", spread(way, BenchRun.Result::firstTokenSeconds).toJson());
        json.add("bytes_per_token", spread(way, BenchRun.Result::bytesPerToken).toJson());
        json.add("stall_share", spread(way, BenchRun.Result::stallShare).toJson());
        json.add("hit_rate", spread(way, result -> result.cache().hitRate()).toJson());
        return json;
    }

    /** A line of the same, for people. */
    String line(Way way) {
        return String.format(
                Locale.ROOT,
                "%-28s %-20s %6.1f %8.1f MB  %5.1f %%",
                way.name(),
                spread(way, BenchRun.Result::tokensPerSecond).inWords(2),
                100 * spread(way, result -> result.cache().hitRate()).median(),
                spread(way, BenchRun.Result::bytesPerToken).median() / 1e6,
                100 * spread(way, BenchRun.Result::stallShare).median());
    }

    static String heading() {
        return String.format(
                Locale.ROOT,
                "%-28s %-20s %6s %11s  %7s",
                "",
                "tokens/s",
                "hits %",
                "per token",
                "stalled");
    }
}
