package io.greenroom.plugin.cli;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonObject;
import io.greenroom.cache.ExpertBudget;
import io.greenroom.cache.policy.PolicyName;
import io.greenroom.cache.sim.GuessSource;
import io.greenroom.cache.sim.RoutingSequence;
import io.greenroom.cache.trace.RoutingTrace;
import io.greenroom.cache.trace.TraceHeader;
import io.greenroom.plugin.host.ModelDefinition;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;

/** Replays routing traces. */
@Command(
        name = "simulate",
        description = {
            "Replays routing traces through the cache's own eviction policies and prints hits, bytes"
                    + " and stall against the budget.",
            "Several traces of one model are replayed one by one, each into an empty cache, and"
                    + " added up.",
            "With --check, a model answers a prompt at every budget, and what the simulator foretold"
                    + " is printed beside what was measured."
        })
final class SimulateCommand implements Callable<Integer> {

    private static final Gson GSON =
            new GsonBuilder().setPrettyPrinting().disableHtmlEscaping().create();

    private static final double[] USUAL_PERCENT = {
        6.25, 12.5, 18.75, 25, 37.5, 50, 62.5, 75, 87.5, 100
    };

    private static final List<PolicyName> DEFAULT_POLICY = List.of(PolicyName.DEFAULT);

    @Spec private CommandSpec spec = CommandSpec.create();

    @Parameters(
            arity = "0..*",
            paramLabel = "TRACE",
            description = "Traces recorded with option.trace.")
    private List<Path> traces = List.of();

    @Option(
            names = "--policy",
            split = ",",
            defaultValue = "all",
            paramLabel = "NAME",
            description =
                    "Policies to compare, or all (default): tinylfu, reuse, lru, lfu, arc,"
                            + " least_stale, on_demand.")
    private List<String> policies = List.of("all");

    @Option(
            names = "--budget",
            split = ",",
            paramLabel = "BUDGET",
            converter = BudgetText.class,
            description =
                    "Budgets: sizes (6GiB) or shares of all experts (40%%) (default:"
                            + " from 6.25%% to 100%%, as far as they hold what one token needs of a"
                            + " layer).")
    private List<ExpertBudget> budgets = List.of(); // empty: not given

    @Option(
            names = "--split",
            defaultValue = "shared",
            paramLabel = "shared|layers|both",
            converter = SplitName.class,
            description =
                    "One pool of slots that all layers share, or the same number for each layer"
                            + " (default: ${DEFAULT-VALUE}).")
    private Split split = Split.SHARED;

    @Option(
            names = "--predictor",
            defaultValue = "none",
            paramLabel = "NAME",
            converter = GuessName.class,
            description =
                    "Where prefetch has its guesses from: none (default), recorded (the cross-layer"
                            + " gate's, if the trace has them), previous (what the layer used last)"
                            + " or perfect.")
    private GuessSource guesses = GuessSource.NONE;

    @Option(
            names = "--foresight",
            defaultValue = "0",
            paramLabel = "TOKENS",
            description =
                    "Tell the policies the truth about so many tokens ahead: what eviction could"
                            + " gain from perfect predictions (default: none).")
    private int foresight;

    @Option(
            names = "--decode",
            description = "Count hits of the steps without rows of a prompt only.")
    private boolean decode;

    @Mixin private TimeSettings time = new TimeSettings();

    @Option(names = "--csv", paramLabel = "FILE", description = "Write every figure to this file.")
    private @Nullable Path csv;

    @Option(names = "--svg", paramLabel = "FILE", description = "Draw a chart into this file.")
    private @Nullable Path svg;

    @Option(
            names = "--title",
            defaultValue = "",
            paramLabel = "TEXT",
            description = "Title of the chart.")
    private String title = "";

    @Option(
            names = "--check",
            paramLabel = "MODEL",
            description =
                    "Instead of replaying traces, hold the simulator against this model (a GGUF file"
                            + " or a checkpoint's folder), without prefetch.")
    private @Nullable Path check;

    @Option(
            names = {"-p", "--prompt"},
            defaultValue = "And it came to pass",
            paramLabel = "TEXT",
            description = "What --check continues (default: ${DEFAULT-VALUE}).")
    private String prompt = "";

    @Option(
            names = "--tokens",
            defaultValue = "200",
            paramLabel = "N",
            description = "How far --check continues it (default: ${DEFAULT-VALUE}).")
    private int tokens = 200;

    @Option(
            names = {"-o", "--option"},
            paramLabel = "KEY=VALUE",
            description = "An option of serving.properties for --check, without its \"option.\".")
    private Map<String, String> options = new LinkedHashMap<>();

    @Option(names = "--json", description = "Print the figures as one JSON object.")
    private boolean json;

    /** How slots are divided. */
    enum Split {
        SHARED(List.of(false)),
        LAYERS(List.of(true)),
        BOTH(List.of(false, true));

        private final List<Boolean> values;

        Split(List<Boolean> values) {
            this.values = values;
        }
    }

    @Override
    public Integer call() throws IOException, InterruptedException {
        PrintWriter out = spec.commandLine().getOut();
        PrintWriter err = spec.commandLine().getErr();
        if (check != null) {
            check(check, out, err);
            return 0;
        }
        List<PolicyName> names = policyNames();
        if (foresight < 0 || foresight > 1000) {
            throw new ParameterException(
                    spec.commandLine(), "--foresight is from 0 to 1000 tokens, not " + foresight);
        }
        List<RoutingSequence> sequences = new ArrayList<>();
        TraceHeader header = read(sequences);
        SimulationSweep.Plan plan =
                new SimulationSweep.Plan(
                        slots(header),
                        names,
                        split.values,
                        guesses,
                        foresight,
                        time.model(header.slotBytes()));
        SimulationSweep sweep =
                LoadProgress.during(
                        "Simulating " + header.model(),
                        err,
                        () -> SimulationSweep.run(sequences, plan));
        SimulationReport report = new SimulationReport(sweep, decode, header.totalExperts());
        if (csv != null) {
            Files.writeString(csv, report.csv(), StandardCharsets.UTF_8);
        }
        if (svg != null) {
            String heading = title.isEmpty() ? "Greenroom, simulated: " + header.model() : title;
            Files.writeString(svg, report.chart(heading), StandardCharsets.UTF_8);
        }
        if (json) {
            out.println(GSON.toJson(report.json()));
        } else {
            out.printf(
                    "%s: %,d tokens, %,d experts of %s; one token asks for %,d of them%n%n",
                    header.model(),
                    sweep.tokens(),
                    header.totalExperts(),
                    ModelFacts.size(header.slotBytes()),
                    sequences.get(0).tokenExperts());
            out.print(report.tables());
        }
        out.flush();
        return 0;
    }

    private void check(Path path, PrintWriter out, PrintWriter err)
            throws IOException, InterruptedException {
        List<PolicyName> names = policies.equals(List.of("all")) ? DEFAULT_POLICY : policyNames();
        if (names.size() != 1 || !traces.isEmpty()) {
            throw new ParameterException(
                    spec.commandLine(), "--check takes one --policy and no traces");
        }
        List<String> texts =
                budgets.isEmpty()
                        ? List.of("25%", "37.5%", "50%", "75%", "100%")
                        : budgets.stream().map(ExpertBudget::toString).toList();
        ModelDefinition model =
                ModelDefinition.read(ModelDefinition.nameOf(path), path).withOptions(options);
        List<SimulationCheck.Outcome> outcomes =
                new SimulationCheck(model, names.get(0), err).run(request(), texts);
        if (json) {
            out.println(GSON.toJson(SimulationCheck.json(outcomes)));
        } else {
            out.print(SimulationCheck.table(outcomes));
        }
        out.flush();
    }

    /** Drawn, because the likeliest tokens of a small model go round in circles. */
    private JsonObject request() {
        JsonObject parameters = new JsonObject();
        parameters.addProperty("max_new_tokens", tokens);
        parameters.addProperty("do_sample", true);
        parameters.addProperty("temperature", 0.7);
        parameters.addProperty("seed", 1);
        JsonObject request = new JsonObject();
        request.addProperty("stream", true);
        request.addProperty("inputs", prompt);
        request.add("parameters", parameters);
        return request;
    }

    private TraceHeader read(List<RoutingSequence> sequences) {
        TraceHeader first = null;
        for (Path path : traces) {
            RoutingTrace trace = RoutingTrace.read(path);
            if (first == null) {
                first = trace.header();
            } else if (!first.fingerprint().equals(trace.header().fingerprint())) {
                throw new ParameterException(
                        spec.commandLine(),
                        "Traces of different models: "
                                + traces.get(0)
                                + " is of "
                                + first.model()
                                + ", "
                                + path
                                + " of "
                                + trace.header().model()
                                + "; simulate them one by one");
            }
            if (trace.steps().isEmpty()) {
                throw new ParameterException(
                        spec.commandLine(), "Trace " + path + " has no steps to replay");
            }
            sequences.add(RoutingSequence.of(trace));
        }
        if (first == null) {
            throw new ParameterException(
                    spec.commandLine(), "Name at least one trace, or a model with --check");
        }
        return first;
    }

    private List<SimulationSweep.Budget> slots(TraceHeader header) {
        List<SimulationSweep.Budget> list = new ArrayList<>();
        for (ExpertBudget budget : budgets) {
            int slots = slots(header, budget);
            if (slots < header.expertsPerToken()) {
                throw new ParameterException(
                        spec.commandLine(),
                        "A budget of "
                                + budget
                                + " holds "
                                + slots
                                + " experts; one token needs "
                                + header.expertsPerToken()
                                + " of a layer at once, "
                                + ModelFacts.size(header.expertsPerToken() * header.slotBytes()));
            }
            list.add(new SimulationSweep.Budget(budget.toString(), slots));
        }
        if (budgets.isEmpty()) {
            for (double percent : USUAL_PERCENT) {
                ExpertBudget budget = new ExpertBudget.Share(percent);
                int slots = slots(header, budget);
                if (slots >= header.expertsPerToken()) {
                    list.add(new SimulationSweep.Budget(budget.toString(), slots));
                }
            }
        }
        list.sort(Comparator.comparingInt(SimulationSweep.Budget::slots));
        return list;
    }

    private static int slots(TraceHeader header, ExpertBudget budget) {
        long all = header.totalExperts() * header.slotBytes();
        return (int) Math.min(header.totalExperts(), budget.resolve(all, all) / header.slotBytes());
    }

    private List<PolicyName> policyNames() {
        if (policies.equals(List.of("all"))) {
            return List.of(PolicyName.values());
        }
        try {
            return policies.stream().map(PolicyName::parse).toList();
        } catch (IllegalArgumentException e) {
            throw new ParameterException(spec.commandLine(), e.getMessage() + ", or all", e);
        }
    }

    /** Reads a split. */
    static final class SplitName implements ITypeConverter<Split> {
        @Override
        public Split convert(String text) {
            for (Split value : Split.values()) {
                if (value.name().equalsIgnoreCase(text.trim())) {
                    return value;
                }
            }
            throw new TypeConversionException(
                    "not a split: \"" + text + "\"; write shared, layers or both");
        }
    }

    /** Reads a budget. */
    static final class BudgetText implements ITypeConverter<ExpertBudget> {
        @Override
        public ExpertBudget convert(String text) {
            try {
                return ExpertBudget.parse(text);
            } catch (IllegalArgumentException e) {
                throw new TypeConversionException(e.getMessage());
            }
        }
    }

    /** Reads where guesses come from. */
    static final class GuessName implements ITypeConverter<GuessSource> {
        @Override
        public GuessSource convert(String text) {
            try {
                return GuessSource.parse(text);
            } catch (IllegalArgumentException e) {
                throw new TypeConversionException(e.getMessage());
            }
        }
    }
}
