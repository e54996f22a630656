package io.greenroom.plugin.cli;

import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.greenroom.offload.decoder.ServingModel;
import io.greenroom.offload.store.Checkpoint;
import io.greenroom.offload.store.Checkpoints;
import io.greenroom.offload.store.ExpertLayout;
import io.greenroom.plugin.host.ModelDefinition;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** How fast prompts are read and answers made, at several budgets, cold and warm. */
@Command(
        name = "decode",
        description = {
            "Speed of answering and of reading prompts, at several budgets, with a cold cache and"
                    + " with one that has answered the same request before.",
            "Budgets take turns. A budget may also be \"min\": what one token of one layer needs."
        })
final class DecodeBenchCommand implements Callable<Integer> {

    @Spec private CommandSpec spec = CommandSpec.create();

    @Mixin private BenchSettings settings = new BenchSettings();

    @Option(
            names = "--budget",
            split = ",",
            defaultValue = "100%,50%,25%,min",
            paramLabel = "BUDGET",
            description = "Memory for routed experts, one or more (default: 100%%,50%%,25%%,min).")
    private List<String> budgets = List.of("100%", "50%", "25%", "min");

    @Option(
            names = "--prefill-tokens",
            defaultValue = "512",
            paramLabel = "N",
            description = "Length of the long prompt (default: ${DEFAULT-VALUE}).")
    private int prefillTokens = 512;

    /**
     * One round at one budget.
     *
     * @param loadSeconds until the model was ready
     * @param cold the first answer
     * @param warm the same answer once more
     * @param coldPrompt a long prompt, the first thing the model read
     * @param warmPrompt the same after the answers
     * @param peakBytes most the process held
     */
    private record Round(
            double loadSeconds,
            BenchRun.Result cold,
            BenchRun.Result warm,
            BenchRun.Result coldPrompt,
            BenchRun.Result warmPrompt,
            long peakBytes) {}

    @Override
    public Integer call() throws IOException, InterruptedException {
        BenchRun.Work work = settings.work();
        if (prefillTokens < 1) {
            throw new IllegalArgumentException(
                    "--prefill-tokens must be at least 1, got " + prefillTokens);
        }
        Map<String, List<Round>> rounds = new LinkedHashMap<>();
        budgets.forEach(budget -> rounds.put(budget, new ArrayList<>()));
        PrintWriter err = spec.commandLine().getErr();
        if (settings.preread()) {
            Comparison.preread(definition(budgets.get(0)), err);
        }
        int done = 0;
        int all = budgets.size() * settings.repeat() + 1;
        int[] expected = null;
        try (ProgressBar bar = new ProgressBar("Decode", ProgressBar.Unit.COUNT, err)) {
            var unused = round(budgets.get(0), work); // pays for compiling what all of them run
            bar.update(++done, all);
            for (int i = 0; i < settings.repeat(); i++) {
                for (String budget : budgets) {
                    Round round = round(budget, work);
                    expected = same(expected, round, budget);
                    rounds.getOrDefault(budget, new ArrayList<>()).add(round);
                    bar.update(++done, all);
                }
            }
        }
        PrintWriter out = spec.commandLine().getOut();
        if (settings.json()) {
            out.println(new GsonBuilder().setPrettyPrinting().create().toJson(json(rounds)));
        } else {
            print(out, rounds);
        }
        out.flush();
        return 0;
    }

    private Round round(String budget, BenchRun.Work work)
            throws IOException, InterruptedException {
        BenchRun.Work prompt = new BenchRun.Work(null, prefillTokens, 2, work.seed() + 1);
        BenchRun.Result coldPrompt = BenchRun.of(definition(budget), prompt);
        ProcessMemory.forgetPeak();
        long begin = System.nanoTime();
        try (ServingModel model = BenchRun.load(definition(budget))) {
            double loaded = (System.nanoTime() - begin) / 1e9;
            BenchRun.Result cold = BenchRun.answer(model, work);
            BenchRun.Result warm = BenchRun.answer(model, work);
            BenchRun.Result warmPrompt = BenchRun.answer(model, prompt);
            return new Round(
                    loaded, cold, warm, coldPrompt, warmPrompt, ProcessMemory.now().peak());
        }
    }

    private ModelDefinition definition(String budget) throws IOException {
        ModelDefinition definition = settings.definition(Map.of());
        String forAnswers = definition.options().getOrDefault("context_length", "0");
        int context = Math.max(Integer.parseInt(forAnswers), prefillTokens + 2);
        return definition.withOptions(
                Map.of(
                        "context_length",
                        Integer.toString(context),
                        "expert_budget",
                        budget.equals("min") ? least() : budget));
    }

    private String least() throws IOException {
        Checkpoint checkpoint = Checkpoints.open(settings.path());
        return Long.toString(
                ExpertLayout.of(checkpoint).slotBytes() * checkpoint.spec().expertsPerToken());
    }

    private static int[] same(int @Nullable [] expected, Round round, String budget)
            throws IOException {
        int[] tokens = round.cold().tokens();
        if (!Arrays.equals(tokens, round.warm().tokens())
                || (expected != null && !Arrays.equals(tokens, expected))) {
            throw new IOException("The tokens at " + budget + " differ from those of another run");
        }
        return tokens;
    }

    private double promptSpeed(BenchRun.Result result) {
        return prefillTokens / result.firstTokenSeconds();
    }

    private static Spread spread(List<Round> rounds, ToDoubleFunction<Round> figure) {
        return Spread.of(rounds.stream().map(figure::applyAsDouble).toList());
    }

    private void print(PrintWriter out, Map<String, List<Round>> rounds) {
        out.printf(
                Locale.ROOT,
                "%-9s %-22s %-22s %7s %9s %8s %-20s %-20s %9s%n",
                "budget",
                "decode cold, tokens/s",
                "decode warm",
                "hits %",
                "MB/token",
                "stalled",
                "prompt cold, /s",
                "prompt warm",
                "peak MiB");
        rounds.forEach(
                (budget, all) ->
                        out.printf(
                                Locale.ROOT,
                                "%-9s %-22s %-22s %7.1f %9.1f %6.1f %% %-20s %-20s %9.0f%n",
                                budget,
                                spread(all, r -> r.cold().tokensPerSecond()).inWords(1),
                                spread(all, r -> r.warm().tokensPerSecond()).inWords(1),
                                100 * spread(all, r -> r.warm().cache().hitRate()).median(),
                                spread(all, r -> r.warm().bytesPerToken()).median() / 1e6,
                                100 * spread(all, r -> r.warm().stallShare()).median(),
                                spread(all, r -> promptSpeed(r.coldPrompt())).inWords(0),
                                spread(all, r -> promptSpeed(r.warmPrompt())).inWords(0),
                                spread(all, Round::peakBytes).median() / (1 << 20)));
        out.println(
                "Hits, bytes and stall are those of the warm answer; all answers have the same"
                        + " tokens.");
        rounds.forEach(
                (budget, all) ->
                        out.printf(
                                Locale.ROOT,
                                "%s: loaded in %s s, first token after %s s cold, %s s warm%n",
                                budget,
                                spread(all, Round::loadSeconds).inWords(2),
                                spread(all, r -> r.cold().firstTokenSeconds()).inWords(2),
                                spread(all, r -> r.warm().firstTokenSeconds()).inWords(2)));
    }

    private JsonObject json(Map<String, List<Round>> rounds) {
        JsonArray array = new JsonArray();
        rounds.forEach(
                (budget, all) -> {
                    JsonObject json = new JsonObject();
                    json.addProperty("budget", budget);
                    json.add("load_seconds", spread(all, Round::loadSeconds).toJson());
                    json.add("cold", answer(all, Round::cold));
                    json.add("warm", answer(all, Round::warm));
                    json.add(
                            "prompt_tokens_per_second_cold",
                            spread(all, r -> promptSpeed(r.coldPrompt())).toJson());
                    json.add(
                            "prompt_tokens_per_second_warm",
                            spread(all, r -> promptSpeed(r.warmPrompt())).toJson());
                    json.add("peak_bytes", spread(all, Round::peakBytes).toJson());
                    array.add(json);
                });
        JsonObject result = new JsonObject();
        result.addProperty("prompt_tokens", settings.work().promptTokens());
        result.addProperty("prefill_tokens", prefillTokens);
        result.add("budgets", array);
        result.addProperty("tokens_identical", true);
        return result;
    }

    private static JsonObject answer(List<Round> all, Function<Round, BenchRun.Result> which) {
        JsonObject json = new JsonObject();
        json.add("tokens_per_second", spread(all, r -> which.apply(r).tokensPerSecond()).toJson());
        json.add(
                "first_token_seconds",
                spread(all, r -> which.apply(r).firstTokenSeconds()).toJson());
        json.add("hit_rate", spread(all, r -> which.apply(r).cache().hitRate()).toJson());
        json.add("bytes_per_token", spread(all, r -> which.apply(r).bytesPerToken()).toJson());
        json.add("stall_share", spread(all, r -> which.apply(r).stallShare()).toJson());
        return json;
    }
}
