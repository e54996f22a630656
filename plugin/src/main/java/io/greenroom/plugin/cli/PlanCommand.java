package io.greenroom.plugin.cli;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import io.greenroom.cache.ByteSize;
import io.greenroom.cache.ExpertBudget;
import io.greenroom.cache.policy.PolicyName;
import io.greenroom.offload.decoder.Footprint;
import io.greenroom.offload.decoder.MixedPrecision;
import io.greenroom.offload.memory.ContainerMemory;
import io.greenroom.offload.store.Checkpoint;
import io.greenroom.offload.store.Checkpoints;
import io.greenroom.plugin.config.ConfigException;
import io.greenroom.plugin.config.ModelConfig;
import io.greenroom.plugin.host.ModelDefinition;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;

/** Says what budgets would bring, before anything is loaded. */
@Command(
        name = "plan",
        description = {
            "Says whether a model fits and how fast it would be, for several budgets, before it is"
                    + " loaded. Of the checkpoint only the header is read, and a few experts to see"
                    + " how fast they come.",
            "Hits are those of a replay of recorded traces (--trace) through the cache; without a"
                    + " trace they rest on an assumption, which is printed.",
            "With --low-bit, also what low-bit copies of several shares of each budget would"
                    + " bring, and the planner's mix (needs --trace)."
        })
final class PlanCommand implements Callable<Integer> {

    private static final Gson GSON =
            new GsonBuilder().setPrettyPrinting().disableHtmlEscaping().create();

    @Spec private CommandSpec spec = CommandSpec.create();

    @Parameters(
            index = "0",
            arity = "0..1",
            paramLabel = "MODEL",
            description = "A GGUF file or a checkpoint's folder; the demo model unless given.")
    private @Nullable Path model;

    @Option(
            names = "--home",
            paramLabel = "DIR",
            defaultValue = "${sys:greenroom.home:-.}",
            description = "Where Greenroom's sources lie (set by the launcher).")
    private Path home = Path.of(".");

    @Option(
            names = "--trace",
            paramLabel = "FILE",
            description = "A trace recorded from this model with -o trace=FILE; may be repeated.")
    private List<Path> traces = new ArrayList<>();

    @Option(
            names = "--budgets",
            split = ",",
            paramLabel = "BUDGET",
            defaultValue = "12.5%,25%,37.5%,50%,62.5%,75%,87.5%,100%",
            converter = BudgetText.class,
            description =
                    "Budgets for routed experts: sizes (6GiB), shares of all experts (40%%) or auto"
                            + " (default: eighths).")
    private List<ExpertBudget> budgets = List.of();

    @Option(
            names = "--memory",
            paramLabel = "SIZE",
            converter = MachineSettings.Size.class,
            description =
                    "Memory of the container it is to run in; what this one leaves unless given.")
    private @Nullable ByteSize memory;

    @Option(
            names = "--heap",
            paramLabel = "SIZE",
            converter = MachineSettings.Size.class,
            description =
                    "Java heap of the server; unless given a quarter of --memory, as Java itself"
                            + " takes, or that of this process.")
    private @Nullable ByteSize heap;

    @Option(
            names = "--policy",
            paramLabel = "NAME",
            converter = PolicyText.class,
            description = "Cache policy to plan with; what a model gets by default unless given.")
    private PolicyName policy = PolicyName.DEFAULT;

    @Option(
            names = "--split",
            description =
                    "Compare ways of dividing the slots between layers: the planner's, a genetic"
                            + " search, Fate's rule, even shares and one shared pool.")
    private boolean split;

    @Option(
            names = "--held-out",
            paramLabel = "FILE",
            description =
                    "With --split: traces that the ways are judged by, while --trace is what they"
                            + " are made from; may be repeated.")
    private List<Path> heldOut = new ArrayList<>();

    @Option(
            names = "--check",
            paramLabel = "FILE",
            description =
                    "Also load the model with each budget, have it answer the prompts in this file"
                            + " (one a line), and print what was foretold beside what was measured.")
    private @Nullable Path check;

    @Option(
            names = "--max-tokens",
            paramLabel = "N",
            defaultValue = "40",
            description = "With --check: longest answer (default: ${DEFAULT-VALUE}).")
    private int maxTokens = 40;

    @Option(
            names = "--planner-speed",
            description =
                    "Only print how long planning takes on this machine, and what the live"
                            + " miss-ratio curve costs.")
    private boolean plannerSpeed;

    @Option(names = "--json", description = "Print everything as one JSON object.")
    private boolean json;

    @Mixin private MachineSettings machine = new MachineSettings();

    @Mixin private ModelSettings settings = new ModelSettings();

    @Override
    public Integer call() throws IOException, InterruptedException, ConfigException {
        PrintWriter out = spec.commandLine().getOut();
        PrintWriter err = spec.commandLine().getErr();
        if (plannerSpeed) {
            new PlannerSpeed(System::nanoTime, policy).lines().forEach(out::println);
            out.flush();
            return 0;
        }
        Path path = model == null ? DemoCommand.demoModel(home) : model;
        ModelDefinition definition = settings.definition(ModelDefinition.nameOf(path), path);
        ModelConfig config = ModelConfig.read(definition.options());
        Checkpoint checkpoint =
                Checkpoints.open(
                        config.model().toString().isEmpty() ? path : path.resolve(config.model()));
        PlannedTraffic traffic =
                traces.isEmpty()
                        ? PlannedTraffic.assumed(checkpoint)
                        : PlannedTraffic.recorded(checkpoint, traces);
        MixedPrecision mixed = mixed(config, traffic);
        PlanReport.Space space = space();
        Footprint footprint =
                Footprint.of(
                        checkpoint,
                        config.options(),
                        Math.max(0, space.limit() - space.overhead()));
        MachineSettings.Machine speed = machine.measure(checkpoint, config.options(), err);
        PlanTable table =
                LoadProgress.during(
                        "Replaying " + (traffic.assumed() ? "assumed" : "recorded") + " traffic",
                        err,
                        () -> table(footprint, traffic, speed, space));
        SplitComparison splits =
                split
                        ? SplitComparison.of(
                                traffic.sequences(),
                                heldOut.isEmpty()
                                        ? traffic.sequences()
                                        : PlannedTraffic.recorded(checkpoint, heldOut).sequences(),
                                policy,
                                table)
                        : null;
        MixTable mixes =
                mixed == null
                        ? null
                        : LoadProgress.during(
                                "Replaying mixes of precisions",
                                err,
                                () ->
                                        new MixStudy(
                                                        checkpoint,
                                                        traffic,
                                                        policy,
                                                        mixed,
                                                        speed.time())
                                                .table(table));
        PlanCheck checked =
                check == null
                        ? null
                        : PlanCheck.run(definition, policy, prompts(check), table, err);
        PlanReport report =
                new PlanReport(
                        checkpoint,
                        footprint,
                        traffic,
                        policy,
                        speed,
                        space,
                        table,
                        splits,
                        mixes,
                        checked);
        if (json) {
            out.println(GSON.toJson(report.json()));
        } else {
            report.lines().forEach(out::println);
        }
        out.flush();
        return 0;
    }

    /** How the model is to have low-bit copies, if it is and that can be planned. */
    private @Nullable MixedPrecision mixed(ModelConfig config, PlannedTraffic traffic)
            throws IOException {
        MixedPrecision mixed = config.options().mixedPrecision();
        if (mixed != null && traffic.assumed()) {
            throw new IOException(
                    "Low-bit copies are planned from recorded traffic only, as it alone says how"
                            + " much each expert matters; add --trace FILE, or leave out the"
                            + " copies");
        }
        if (mixed != null && check != null) {
            throw new IOException(
                    "--check compares what is foretold in full precision; leave out the low-bit"
                            + " copies, or --check");
        }
        return mixed;
    }

    private List<ChatPrompt> prompts(Path file) throws IOException {
        List<ChatPrompt> prompts =
                TextFiles.read(file)
                        .lines()
                        .filter(line -> !line.isBlank())
                        .map(line -> new ChatPrompt(line, maxTokens))
                        .toList();
        if (prompts.isEmpty()) {
            throw new IOException("There are no prompts in " + file + "; write one a line");
        }
        return prompts;
    }

    private PlanReport.Space space() {
        Runtime runtime = Runtime.getRuntime();
        if (memory != null) {
            long limit = memory.bytes();
            long forHeap = heap == null ? limit / 4 : heap.bytes();
            return new PlanReport.Space(limit, forHeap, forHeap + limit / 16, "as given");
        }
        // what this process has taken already, it can use
        ContainerMemory.Available available = new ContainerMemory().available();
        long forHeap = heap == null ? runtime.maxMemory() : heap.bytes();
        long limit = available.bytes() + runtime.totalMemory();
        return new PlanReport.Space(limit, forHeap, forHeap + limit / 16, available.source());
    }

    private PlanTable table(
            Footprint footprint,
            PlannedTraffic traffic,
            MachineSettings.Machine speed,
            PlanReport.Space space) {
        List<PlanTable.Row> rows = new ArrayList<>();
        for (ExpertBudget budget : budgets) {
            long bytes = budget.resolve(footprint.allExpertBytes(), footprint.expertBytesLeft());
            int slots = footprint.slots(bytes);
            PlanTable.Forecast forecast =
                    slots < footprint.leastSlots()
                            ? null
                            : PlanTable.forecast(
                                    traffic.sequences(), policy, null, slots, speed.time());
            rows.add(
                    PlanTable.row(
                            budget.toString(),
                            bytes,
                            footprint,
                            space.limit(),
                            space.overhead(),
                            forecast));
        }
        rows.sort(Comparator.comparingLong(PlanTable.Row::budgetBytes));
        return new PlanTable(rows, space.limit(), space.overhead());
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

    /** Reads a policy. */
    static final class PolicyText implements ITypeConverter<PolicyName> {
        @Override
        public PolicyName convert(String text) {
            try {
                return PolicyName.parse(text);
            } catch (IllegalArgumentException e) {
                throw new TypeConversionException(e.getMessage());
            }
        }
    }
}
