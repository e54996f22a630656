package io.greenroom.plugin.cli;

import com.google.gson.GsonBuilder;
import io.greenroom.cache.CacheStats;
import io.greenroom.cache.heat.Heat;
import io.greenroom.cache.heat.HeatMeter;
import io.greenroom.gating.residency.RoutingDial;
import io.greenroom.offload.decoder.EvaluationRequest;
import io.greenroom.offload.decoder.ServingModel;
import io.greenroom.offload.store.Fingerprint;
import io.greenroom.offload.store.ModelSpec;
import io.greenroom.plugin.heat.HeatJson;
import io.greenroom.plugin.heat.HeatKey;
import io.greenroom.plugin.heat.HeatRecord;
import io.greenroom.plugin.host.ModelDefinition;
import io.greenroom.plugin.protocol.text.ModelText;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** What a warm start brings: tokens until the hit rate is that of the long run. */
@Command(
        name = "warm",
        description = {
            "Loads a model cold, and with the heat that other texts made, and reads held-out texts"
                    + " one token a step: how soon the hit rate is 90 %% of that in the long run.",
            "The long run is the second half of the cold run; the rate is taken over --window"
                    + " tokens. Heat goes through the record that replicas exchange. Prefetch is off"
                    + " unless asked for: then the counts do not depend on the machine.",
            "--budget takes a list here. Both ways read the same texts; exact routing."
        })
final class WarmBenchCommand implements Callable<Integer> {

    private static final int HEAT_WINDOW = 512;
    private static final double SHARE = 0.9;

    @Spec private CommandSpec spec = CommandSpec.create();

    @Mixin private ModelChoice choice = new ModelChoice();

    @Option(
            names = "--heat-text",
            arity = "1..*",
            required = true,
            paramLabel = "FILE",
            description = "Texts that make the heat.")
    private List<Path> heatTexts = new ArrayList<>();

    @Option(
            names = "--text",
            arity = "1..*",
            required = true,
            paramLabel = "FILE",
            description = "Other texts, which are read cold and warm.")
    private List<Path> texts = new ArrayList<>();

    @Option(
            names = "--heat-tokens",
            defaultValue = "4096",
            paramLabel = "N",
            description = "Most tokens of each text that makes the heat (default: 4096).")
    private int heatTokens = 4096;

    @Option(
            names = "--tokens",
            defaultValue = "512",
            paramLabel = "N",
            description = "Tokens of each passage (default: ${DEFAULT-VALUE}).")
    private int tokens = 512;

    @Option(
            names = "--repeat",
            defaultValue = "3",
            paramLabel = "N",
            description = "Passages of each text, one after the other (default: 3).")
    private int repeat = 3;

    @Option(
            names = "--window",
            defaultValue = "16",
            paramLabel = "N",
            description = "Tokens over which a hit rate is taken (default: ${DEFAULT-VALUE}).")
    private int window = 16;

    @Option(names = "--json", description = "Print the figures as one JSON object.")
    private boolean json;

    @Mixin private ModelSettings settings = new ModelSettings();

    @Override
    public Integer call() throws IOException, InterruptedException {
        if (tokens < 2 * window || window < 1 || repeat < 1 || heatTokens < 1) {
            throw new ParameterException(
                    spec.commandLine(),
                    "--tokens must be at least twice --window, and all numbers at least 1");
        }
        PrintWriter err = spec.commandLine().getErr();
        List<int[]> passages;
        Heat heat;
        try (ServingModel model = BenchRun.load(definition("100%"))) {
            try (ModelText text = ModelText.open(model.checkpoint().tokenizer())) {
                passages = passages(text);
                heat = heat(model, text, err);
            }
        }
        WarmBenchReport report = new WarmBenchReport(tokens, window, SHARE);
        for (String budget : budgets()) {
            report.add(row(budget, passages, heat, err));
        }
        PrintWriter out = spec.commandLine().getOut();
        if (json) {
            out.println(new GsonBuilder().setPrettyPrinting().create().toJson(report.toJson()));
        } else {
            report.print(out);
        }
        out.flush();
        return 0;
    }

    private List<String> budgets() {
        List<String> asked = settings.budgets();
        return asked.equals(List.of("auto")) ? List.of("25%", "50%", "75%") : asked;
    }

    private ModelDefinition definition(String budget) throws IOException {
        Map<String, String> options = new LinkedHashMap<>();
        options.put("expert_budget", budget);
        options.put("max_concurrent", "1");
        options.put("routing", "exact");
        options.put("context_length", Integer.toString(Math.max(HEAT_WINDOW, tokens)));
        ModelDefinition definition = choice.definition(settings, options);
        return definition.options().containsKey("prefetch")
                ? definition
                : definition.withOptions(Map.of("prefetch", "off"));
    }

    private List<int[]> passages(ModelText text) throws IOException {
        List<int[]> passages = new ArrayList<>();
        for (Path file : texts) {
            int[] all = TextFiles.tokens(file, text.tokenizer(), 0);
            if (all.length < repeat * tokens) {
                throw new IOException(
                        "The text "
                                + file
                                + " has "
                                + all.length
                                + " tokens, "
                                + repeat
                                + " passages of "
                                + tokens
                                + " were asked for");
            }
            for (int i = 0; i < repeat; i++) {
                passages.add(Arrays.copyOfRange(all, i * tokens, (i + 1) * tokens));
            }
        }
        return passages;
    }

    /** The heat that texts make; exact routing is the same at every budget. */
    private Heat heat(ServingModel model, ModelText text, PrintWriter err) throws IOException {
        for (Path file : heatTexts) {
            int[] all = TextFiles.tokens(file, text.tokenizer(), heatTokens);
            String what = "Heat of " + file.getFileName();
            try (ProgressBar bar = new ProgressBar(what, ProgressBar.Unit.COUNT, err)) {
                for (int from = 0; from < all.length; from += HEAT_WINDOW) {
                    int to = Math.min(all.length, from + HEAT_WINDOW);
                    model.evaluate(Arrays.copyOfRange(all, from, to), (position, logits) -> {});
                    bar.update(to, all.length);
                }
            }
        }
        ModelSpec shape = model.checkpoint().spec();
        HeatMeter meter =
                new HeatMeter(
                        shape.layers(),
                        shape.experts(),
                        shape.expertsPerToken(),
                        HeatMeter.HALF_LIFE_TOKENS);
        meter.add(model.usage());
        HeatKey key = new HeatKey("bench", Fingerprint.of(model.checkpoint()));
        HeatRecord record = new HeatRecord(key, "bench", Instant.now(), meter.heat());
        return HeatJson.read(HeatJson.toJson(record).getBytes(StandardCharsets.UTF_8)).heat();
    }

    private WarmBenchReport.Row row(String budget, List<int[]> passages, Heat heat, PrintWriter err)
            throws IOException, InterruptedException {
        List<WarmBenchReport.Run> cold = new ArrayList<>();
        List<WarmBenchReport.Run> warm = new ArrayList<>();
        try (ProgressBar bar = new ProgressBar("At " + budget, ProgressBar.Unit.COUNT, err)) {
            for (int[] passage : passages) {
                cold.add(run(budget, passage, null));
                warm.add(run(budget, passage, heat));
                bar.update(warm.size(), passages.size());
            }
        }
        return new WarmBenchReport.Row(budget, cold, warm);
    }

    private WarmBenchReport.Run run(String budget, int[] passage, @Nullable Heat heat)
            throws IOException, InterruptedException {
        long begin = System.nanoTime();
        try (ServingModel model = BenchRun.load(definition(budget))) {
            double loaded = (System.nanoTime() - begin) / 1e9;
            int warmed = heat == null ? 0 : warm(model, heat);
            double ready = (System.nanoTime() - begin) / 1e9;
            HitCourse course = HitCourse.of(passage.length);
            CacheStats[] before = {model.status().cache()};
            var unused =
                    model.evaluate(
                            new EvaluationRequest(passage, 0, RoutingDial.EXACT),
                            (position, logits) -> {
                                CacheStats after = model.status().cache();
                                course.note(position, before[0], after);
                                before[0] = after;
                            });
            return new WarmBenchReport.Run(
                    course, model.status().slots(), warmed, loaded, ready - loaded);
        }
    }

    private static int warm(ServingModel model, Heat heat)
            throws IOException, InterruptedException {
        try {
            return model.warm(heat).get();
        } catch (ExecutionException e) {
            throw new IOException("The warm start failed: " + e.getMessage(), e);
        }
    }
}
