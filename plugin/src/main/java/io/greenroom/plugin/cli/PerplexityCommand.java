package io.greenroom.plugin.cli;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import io.greenroom.gating.residency.RoutingDial;
import io.greenroom.offload.decoder.Perplexity;
import io.greenroom.plugin.host.LocalModel;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Measures what a budget and a routing cost in quality, token by token. */
@Command(
        name = "perplexity",
        description = {
            "Scores texts token by token, at several budgets and routings.",
            "The text is read in windows, one token a step as if the model wrote it, since what"
                    + " routing yields to depends on what decoding has left in memory. Exact"
                    + " routing gives the same perplexity at every budget; the ratios compare with"
                    + " it.",
            "--budget and --routing take lists here: --budget 25%%,50%%,100%% --routing"
                    + " exact,biased:0.15,resident."
        })
final class PerplexityCommand implements Callable<Integer> {

    private static final Gson GSON =
            new GsonBuilder().setPrettyPrinting().disableHtmlEscaping().create();

    @Spec private CommandSpec spec = CommandSpec.create();

    @Mixin private ModelChoice choice = new ModelChoice();

    @Option(
            names = "--text",
            arity = "1..*",
            required = true,
            paramLabel = "FILE",
            description = "Texts the model has not seen.")
    private List<Path> texts = new ArrayList<>();

    @Option(
            names = "--tokens",
            defaultValue = "0",
            paramLabel = "N",
            description = "Most tokens scored of each text; all of it unless given.")
    private int tokens;

    @Option(
            names = "--window",
            defaultValue = "512",
            paramLabel = "N",
            description = "Tokens of a window (default: ${DEFAULT-VALUE}).")
    private int window = 512;

    @Option(
            names = "--stride",
            defaultValue = "0",
            paramLabel = "N",
            description = "Tokens from one window to the next; a whole window unless given.")
    private int stride;

    @Option(
            names = "--prompt-tokens",
            defaultValue = "0",
            paramLabel = "N",
            description =
                    "Of a window, tokens read in chunks, like a prompt (default:"
                            + " ${DEFAULT-VALUE}).")
    private int promptTokens;

    @Option(names = "--csv", paramLabel = "FILE", description = "Write the figures there, too.")
    private @Nullable Path csv;

    @Option(names = "--json", description = "Print the figures as a JSON array.")
    private boolean json;

    @Mixin private ModelSettings settings = new ModelSettings();

    @Override
    public Integer call() throws IOException {
        Perplexity.Windows windows = windows();
        List<RoutingDial> routings = routings();
        List<PerplexityRow> rows = new ArrayList<>();
        writeCsv(rows); // so that a path that cannot be is told before the work
        for (String budget : settings.budgets()) {
            measure(budget, windows, routings, rows);
        }
        List<PerplexityRow> compared = PerplexityRow.withRatios(rows);
        PrintWriter out = spec.commandLine().getOut();
        if (json) {
            JsonArray array = new JsonArray();
            compared.forEach(row -> array.add(row.json()));
            out.println(GSON.toJson(array));
        } else {
            out.println(PerplexityRow.TITLES);
            compared.forEach(row -> out.println(row.line()));
        }
        out.flush();
        return 0;
    }

    /** Written anew after each row: what was measured outlives what goes wrong later. */
    private void writeCsv(List<PerplexityRow> rows) throws IOException {
        if (csv == null) {
            return;
        }
        try (Writer writer = Files.newBufferedWriter(csv)) {
            writer.write(PerplexityRow.CSV_TITLES + "\n");
            for (PerplexityRow row : PerplexityRow.withRatios(rows)) {
                writer.write(row.csv() + "\n");
            }
        } catch (IOException e) {
            throw new IOException("The figures cannot be written to " + csv + ": " + e, e);
        }
    }

    private List<RoutingDial> routings() {
        try {
            return settings.routings().stream().map(RoutingDial::parse).toList();
        } catch (IllegalArgumentException e) {
            throw new ParameterException(
                    spec.commandLine(), "Invalid value for --routing: " + e.getMessage(), e);
        }
    }

    private Perplexity.Windows windows() {
        try {
            return new Perplexity.Windows(window, stride == 0 ? window : stride, promptTokens);
        } catch (IllegalArgumentException e) {
            throw new ParameterException(spec.commandLine(), e.getMessage(), e);
        }
    }

    private void measure(
            String budget,
            Perplexity.Windows windows,
            List<RoutingDial> routings,
            List<PerplexityRow> rows)
            throws IOException {
        PrintWriter err = spec.commandLine().getErr();
        for (Path text : texts) {
            for (RoutingDial routing : routings) {
                // Loaded anew each time: what one run left in memory would flatter the next.
                try (LocalModel model = choice.load(settings, options(budget), err)) {
                    int most = tokens == 0 ? 0 : Math.addExact(tokens, 1);
                    int[] ids = TextFiles.tokens(text, model.text().tokenizer(), most);
                    rows.add(score(model, text, budget, ids, windows, routing));
                    writeCsv(rows);
                }
            }
        }
    }

    private PerplexityRow score(
            LocalModel model,
            Path text,
            String budget,
            int[] ids,
            Perplexity.Windows windows,
            RoutingDial routing) {
        String what = text.getFileName() + " at " + budget + ", " + routing;
        try (ProgressBar bar =
                new ProgressBar(what, ProgressBar.Unit.COUNT, spec.commandLine().getErr())) {
            GenerationFigures.Start start = GenerationFigures.start(model.moe());
            Perplexity perplexity =
                    Perplexity.of(
                            model.evaluator(),
                            ids,
                            windows,
                            routing,
                            done -> bar.update(done, ids.length - 1));
            return PerplexityRow.of(
                    String.valueOf(text.getFileName()),
                    budget,
                    routing,
                    perplexity,
                    model.moe().status().budgetBytes(),
                    start.end(model.moe()));
        }
    }

    private Map<String, String> options(String budget) {
        Map<String, String> options = new LinkedHashMap<>();
        options.put("expert_budget", budget);
        options.put("routing", "exact"); // what requests would get; evaluations bring their own
        options.put("routing_limit", "resident"); // else nothing would be exchanged for them
        options.put("context_length", Integer.toString(Math.max(16, window)));
        return options;
    }
}
