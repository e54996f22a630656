package io.greenroom.plugin.cli;

import io.greenroom.cache.trace.RoutingTraceReader;
import io.greenroom.cache.trace.TraceFigures;
import io.greenroom.gating.residency.RoutingDial;
import io.greenroom.offload.decoder.EvaluationRequest;
import io.greenroom.plugin.host.LocalModel;
import io.greenroom.plugin.protocol.text.Tokenizer;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Runs a model over texts and prompts, and records its routing. */
@Command(
        name = "record",
        description = {
            "Runs a model over texts, and answers prompts, while its routing is recorded.",
            "A text is cut into requests. Of each the first tokens are read as a prompt is, in"
                    + " chunks, and the others one after another, as if the model wrote them."
        })
final class TraceRecordCommand implements Callable<Integer> {

    @Spec private CommandSpec spec = CommandSpec.create();

    @Mixin private ModelChoice choice = new ModelChoice();

    @Option(
            names = "--text",
            arity = "1..*",
            paramLabel = "FILE",
            description = "Texts to run the model over.")
    private List<Path> texts = new ArrayList<>();

    @Option(
            names = "--prompts",
            paramLabel = "FILE",
            description = "Prompts to answer, one a line, after the texts.")
    private @Nullable Path prompts;

    @Option(names = "--out", required = true, paramLabel = "FILE", description = "The new trace.")
    private Path out = Path.of("");

    @Option(
            names = "--tokens",
            defaultValue = "0",
            paramLabel = "N",
            description = "Most tokens of each text; all of it unless given.")
    private int tokens;

    @Option(
            names = "--request-tokens",
            defaultValue = "256",
            paramLabel = "N",
            description = "Tokens of a request (default: ${DEFAULT-VALUE}).")
    private int requestTokens = 256;

    @Option(
            names = "--prompt-tokens",
            defaultValue = "0",
            paramLabel = "N",
            description = "Of these, tokens read as a prompt (default: ${DEFAULT-VALUE}).")
    private int promptTokens;

    @Option(
            names = "--alternate",
            description = "A request of each text in turn, instead of text after text.")
    private boolean alternate;

    @Option(
            names = "--concurrent",
            defaultValue = "1",
            paramLabel = "N",
            description = "Requests at once (default: ${DEFAULT-VALUE}).")
    private int concurrent = 1;

    @Option(
            names = "--max-tokens",
            defaultValue = "128",
            paramLabel = "N",
            description = "Longest answer to a prompt (default: ${DEFAULT-VALUE}).")
    private int maxTokens = 128;

    @Option(
            names = "--top",
            paramLabel = "N",
            description =
                    "Experts recorded for a token and layer; twice as many as it is routed to"
                            + " unless given.")
    private @Nullable String top;

    @Option(
            names = "--limit",
            paramLabel = "SIZE",
            description = "Most bytes of the trace; 256MiB unless given.")
    private @Nullable String limit;

    @Mixin private ModelSettings settings = new ModelSettings();

    /** A request on its way: some work and the tokens it stands for. */
    private record Job(Work work, int size) {}

    private interface Work {
        void run() throws Exception;
    }

    @Override
    public Integer call() throws Exception {
        check();
        PrintWriter err = spec.commandLine().getErr();
        try (LocalModel model = choice.load(settings, options(), err)) {
            List<Job> jobs = jobs(model);
            long total = jobs.stream().mapToLong(Job::size).sum();
            try (ProgressBar bar = new ProgressBar("Recording", ProgressBar.Unit.COUNT, err)) {
                new SideBySide(concurrent)
                        .run(
                                jobs.stream()
                                        .<Callable<Integer>>map(TraceRecordCommand::task)
                                        .toList(),
                                done -> bar.update(done, total));
            }
        }
        try (RoutingTraceReader reader = RoutingTraceReader.open(out)) {
            TraceFigures figures = TraceFigures.of(reader.header(), reader);
            spec.commandLine()
                    .getOut()
                    .printf(
                            Locale.ROOT,
                            "%s: %d tokens of %d requests in %d steps, %s%n",
                            out,
                            figures.prefillRows() + figures.decodeRows(),
                            figures.requests(),
                            figures.steps(),
                            ModelFacts.size(reader.size()));
            spec.commandLine().getOut().flush();
        }
        return 0;
    }

    private static Callable<Integer> task(Job job) {
        return () -> {
            job.work().run();
            return job.size();
        };
    }

    private void check() throws IOException {
        if (texts.isEmpty() && prompts == null) {
            throw new ParameterException(
                    spec.commandLine(), "Nothing to record: name texts with --text, or --prompts");
        }
        if (concurrent < 1 || requestTokens < 1 || promptTokens < 0 || tokens < 0) {
            throw new ParameterException(
                    spec.commandLine(),
                    "--concurrent and --request-tokens must be at least 1, --tokens and"
                            + " --prompt-tokens at least 0");
        }
        if (Files.exists(out) && (!Files.isRegularFile(out) || Files.size(out) > 0)) {
            throw new IOException(out + " exists already; a trace overwrites nothing");
        }
    }

    private Map<String, String> options() {
        Map<String, String> options = new LinkedHashMap<>();
        options.put("trace", out.toAbsolutePath().toString());
        if (limit != null) {
            options.put("trace_limit", limit);
        }
        if (top != null) {
            options.put("trace_top", top);
        }
        options.put("max_concurrent", Integer.toString(Math.max(8, concurrent)));
        return options;
    }

    private List<Job> jobs(LocalModel model) throws IOException {
        List<List<int[]>> cut = new ArrayList<>();
        for (Path text : texts) {
            cut.add(requests(text, model.text().tokenizer()));
        }
        List<Job> jobs = new ArrayList<>();
        for (int[] request : alternate ? inTurn(cut) : oneAfterAnother(cut)) {
            jobs.add(new Job(() -> evaluate(model, request), request.length));
        }
        if (prompts != null) {
            for (String prompt : TextFiles.read(prompts).lines().toList()) {
                if (!prompt.isBlank()) {
                    ChatPrompt chat = new ChatPrompt(prompt, maxTokens);
                    jobs.add(new Job(() -> chat.answer(model), maxTokens));
                }
            }
        }
        return jobs;
    }

    private List<int[]> requests(Path text, Tokenizer tokenizer) throws IOException {
        int[] all = TextFiles.tokens(text, tokenizer, tokens);
        List<int[]> requests = new ArrayList<>();
        for (int from = 0; from < all.length; from += requestTokens) {
            requests.add(Arrays.copyOfRange(all, from, Math.min(all.length, from + requestTokens)));
        }
        return requests;
    }

    private static List<int[]> oneAfterAnother(List<List<int[]>> texts) {
        return texts.stream().flatMap(List::stream).toList();
    }

    private static List<int[]> inTurn(List<List<int[]>> texts) {
        List<int[]> requests = new ArrayList<>();
        int longest = texts.stream().mapToInt(List::size).max().orElse(0);
        for (int i = 0; i < longest; i++) {
            for (List<int[]> text : texts) {
                if (i < text.size()) {
                    requests.add(text.get(i));
                }
            }
        }
        return requests;
    }

    private void evaluate(LocalModel model, int[] request) {
        var unused =
                model.evaluator()
                        .evaluate(
                                new EvaluationRequest(
                                        request,
                                        Math.min(promptTokens, request.length),
                                        RoutingDial.EXACT),
                                (position, logits) -> {});
    }
}
