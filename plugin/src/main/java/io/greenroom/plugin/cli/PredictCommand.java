package io.greenroom.plugin.cli;

import io.greenroom.gating.residency.RoutingDial;
import io.greenroom.offload.decoder.EvaluationRequest;
import io.greenroom.offload.decoder.GateVariant;
import io.greenroom.offload.decoder.ModelOptions;
import io.greenroom.offload.decoder.MoeModels;
import io.greenroom.offload.decoder.PredictionStudy;
import io.greenroom.offload.decoder.ServingModel;
import io.greenroom.offload.store.Checkpoint;
import io.greenroom.offload.store.Checkpoints;
import io.greenroom.plugin.config.ConfigException;
import io.greenroom.plugin.config.ModelConfig;
import io.greenroom.plugin.host.ModelDefinition;
import io.greenroom.plugin.protocol.text.ModelText;
import io.greenroom.plugin.protocol.text.Tokenizer;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Measures predictors on a model while it reads texts. */
@Command(
        name = "predict",
        description = {
            "Reads texts with a model and prints how well each predictor foresaw which experts the"
                    + " routers chose: of the chosen, the share among the first k and 2k of the"
                    + " prediction; of those that were not resident at the budget, the same; and"
                    + " of what would have been read ahead, the share nobody wanted.",
            "Nothing is read ahead meanwhile, and every token is a decoding step of its own, so"
                    + " the figures are exact counts and do not depend on the machine."
        })
final class PredictCommand implements Callable<Integer> {

    @Spec private CommandSpec spec = CommandSpec.create();

    @Mixin private ModelChoice choice = new ModelChoice();

    @ArgGroup(multiplicity = "1")
    private Source source = new Source();

    /** What is read. */
    static final class Source {

        @Option(
                names = "--text",
                paramLabel = "FILE",
                description = "A text, cut into requests; may be given several times.")
        private List<Path> texts = new ArrayList<>();

        @Option(names = "--prompts", paramLabel = "FILE", description = "One request per line.")
        private @Nullable Path prompts;
    }

    @Option(
            names = "--calibration",
            paramLabel = "FILE",
            description =
                    "A text from which means are taken before anything is counted; the first"
                            + " quarter of the requests unless given.")
    private @Nullable Path calibration;

    @Option(
            names = "--request",
            defaultValue = "128",
            paramLabel = "TOKENS",
            description = "Longest request (default: ${DEFAULT-VALUE}).")
    private int longest = 128;

    @Option(
            names = "--tokens",
            defaultValue = "1024",
            paramLabel = "N",
            description = "Tokens read of each text (default: ${DEFAULT-VALUE}).")
    private int most = 1024;

    @Option(
            names = "--variants",
            split = ",",
            defaultValue = "all",
            paramLabel = "NAME",
            description = {
                "Predictors to compare, or all (default). Of the cross-layer gate: plain, norm,"
                        + " shared, resident, mean, drift and sums of these such as norm+drift.",
                "Rivals: popularity, previous-token, transitions, matrices, same-token."
            })
    private List<String> variants = List.of("all");

    @Option(
            names = "--ahead",
            defaultValue = "2",
            paramLabel = "LAYERS",
            description = "How many layers to look ahead at most (default: ${DEFAULT-VALUE}).")
    private int ahead = 2;

    @Option(
            names = "--live",
            description =
                    "Read the text once more with the engine's own predictor reading ahead, and"
                            + " print for each layer what arrived in time, late or in vain. These"
                            + " figures depend on the machine.")
    private boolean live;

    @Option(names = "--per-layer", description = "A line for each layer too.")
    private boolean perLayer;

    @Option(names = "--json", description = "Print all figures, per layer, as one JSON object.")
    private boolean json;

    @Option(names = "--csv", description = "Print all figures, per layer, as CSV.")
    private boolean csv;

    @Mixin private ModelSettings settings = new ModelSettings();

    @Override
    public Integer call() throws IOException {
        PrintWriter out = spec.commandLine().getOut();
        PrintWriter err = spec.commandLine().getErr();
        PredictionStudy study = study();
        ModelDefinition definition = choice.definition(settings, Map.of("prefetch", "off"));
        Checkpoint checkpoint = Checkpoints.open(definition.path());
        StudyReport report;
        try (ModelText text = ModelText.open(checkpoint.tokenizer())) {
            List<int[]> measured;
            try (ServingModel loaded =
                    LoadProgress.during(
                            "Loading " + definition.name(),
                            err,
                            () ->
                                    MoeModels.loadWatched(
                                            checkpoint,
                                            options(definition),
                                            study,
                                            (done, all) -> {}))) {
                List<int[]> requests = requests(text.tokenizer(), loaded.contextLength());
                List<int[]> learning = learning(text.tokenizer(), requests);
                measured =
                        calibration == null
                                ? requests.subList(learning.size(), requests.size())
                                : requests;
                read(study, loaded, learning, measured, err);
                report =
                        new StudyReport(
                                definition.name(),
                                loaded.status(),
                                StudyText.tokens(learning),
                                study,
                                List.of());
            }
            if (live) {
                report = report.with(readingAhead(measured, err));
            }
        }
        if (json) {
            report.json(out);
        } else if (csv) {
            report.csv(out);
        } else {
            report.table(out, perLayer);
        }
        out.flush();
        return 0;
    }

    /** Reads the same once more, with the engine's own predictor reading ahead. */
    private List<ReadAhead> readingAhead(List<int[]> measured, PrintWriter err) throws IOException {
        ModelDefinition definition = choice.definition(settings, Map.of("prefetch", "on"));
        try (ServingModel loaded =
                        MoeModels.load(definition.path(), options(definition), (done, all) -> {});
                ProgressBar bar = new ProgressBar("Reading ahead", ProgressBar.Unit.COUNT, err)) {
            var unused = read(loaded, measured, 0, StudyText.tokens(measured), bar);
            return ReadAhead.of(loaded.usage());
        }
    }

    /** The requests that means are taken from. */
    private List<int[]> learning(Tokenizer tokenizer, List<int[]> requests) throws IOException {
        if (calibration != null) {
            return StudyText.text(calibration, tokenizer, longest, most);
        }
        if (requests.size() < 2) {
            throw new IOException(
                    "The text makes a single request, which is spent on calibration; give a longer"
                            + " text, a smaller --request or a --calibration of its own");
        }
        return requests.subList(0, Math.max(1, requests.size() / 4));
    }

    private static void read(
            PredictionStudy study,
            ServingModel loaded,
            List<int[]> learning,
            List<int[]> measured,
            PrintWriter err) {
        int total = StudyText.tokens(learning) + StudyText.tokens(measured);
        try (ProgressBar bar = new ProgressBar("Reading", ProgressBar.Unit.COUNT, err)) {
            study.phase(PredictionStudy.Phase.CALIBRATE);
            int done = read(loaded, learning, 0, total, bar);
            study.phase(PredictionStudy.Phase.MEASURE);
            var unused = read(loaded, measured, done, total, bar);
        }
    }

    private static int read(
            ServingModel loaded, List<int[]> requests, int before, int total, ProgressBar bar) {
        int done = before;
        for (int[] request : requests) {
            int begun = done;
            // No prompt: every token is a step, as if it had been generated.
            var unused =
                    loaded.evaluate(
                            new EvaluationRequest(request, 0, RoutingDial.EXACT),
                            (position, logits) -> bar.update(begun + position, total));
            done += request.length;
        }
        return done;
    }

    private List<int[]> requests(Tokenizer tokenizer, int context) throws IOException {
        int length = Math.min(longest, context);
        List<int[]> requests = new ArrayList<>();
        if (source.prompts != null) {
            requests.addAll(StudyText.prompts(source.prompts, tokenizer, length));
        }
        for (Path text : source.texts) {
            requests.addAll(StudyText.text(text, tokenizer, length, most));
        }
        if (requests.isEmpty()) {
            throw new IOException("There is nothing to read: the text is empty");
        }
        return requests;
    }

    private ModelOptions options(ModelDefinition definition) throws IOException {
        try {
            return ModelConfig.read(definition.options()).options();
        } catch (ConfigException e) {
            throw new IOException("Cannot load " + definition.name() + ". " + e.getMessage(), e);
        }
    }

    private PredictionStudy study() {
        atLeast("--request", longest);
        atLeast("--tokens", most);
        atLeast("--ahead", ahead);
        Set<GateVariant> gates = EnumSet.noneOf(GateVariant.class);
        Set<String> rivals = new HashSet<>();
        for (String name : variants) {
            add(name.toLowerCase(Locale.ROOT), gates, rivals);
        }
        return new PredictionStudy(gates, rivals, ahead);
    }

    private void add(String name, Set<GateVariant> gates, Set<String> rivals) {
        if (name.equals("all")) {
            gates.addAll(EnumSet.allOf(GateVariant.class));
            rivals.addAll(PredictionStudy.RIVALS);
            return;
        }
        Set<String> known = new TreeSet<>(PredictionStudy.RIVALS);
        for (GateVariant variant : GateVariant.values()) {
            known.add(variant.spelled());
            if (variant.spelled().equals(name)) {
                gates.add(variant);
                return;
            }
        }
        if (!PredictionStudy.RIVALS.contains(name)) {
            throw new ParameterException(
                    spec.commandLine(),
                    "There is no predictor '"
                            + name
                            + "'; there are all, "
                            + String.join(", ", known));
        }
        rivals.add(name);
    }

    private void atLeast(String option, int value) {
        if (value < 1) {
            throw new ParameterException(
                    spec.commandLine(), option + " is " + value + "; it must be at least 1");
        }
    }
}
