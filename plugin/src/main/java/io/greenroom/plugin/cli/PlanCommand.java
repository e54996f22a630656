package io.greenroom.plugin.cli;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.greenroom.cache.ByteSize;
import io.greenroom.cache.ExpertBudget;
import io.greenroom.cache.policy.PolicyName;
import io.greenroom.offload.decoder.Footprint;
import io.greenroom.offload.memory.ContainerMemory;
import io.greenroom.offload.store.Checkpoint;
import io.greenroom.offload.store.Checkpoints;
import io.greenroom.offload.store.ModelSpec;
import io.greenroom.plugin.config.ConfigException;
import io.greenroom.plugin.config.ModelConfig;
import io.greenroom.plugin.host.ModelDefinition;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
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
                    + " trace they rest on an assumption, which is printed."
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
        Space space = space();
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
        PlanCheck checked =
                check == null
                        ? null
                        : PlanCheck.run(definition, policy, prompts(check), table, err);
        if (json) {
            JsonObject all = json(checkpoint, footprint, traffic, speed, table, splits);
            if (checked != null) {
                all.add("check", checked.json());
            }
            out.println(GSON.toJson(all));
        } else {
            print(out, checkpoint, footprint, traffic, speed, table, space);
            if (splits != null) {
                splits.lines().forEach(out::println);
            }
            if (checked != null) {
                checked.lines().forEach(out::println);
            }
        }
        out.flush();
        return 0;
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

    /**
     * Memory of the container.
     *
     * @param limit bytes
     * @param overhead Java heap, and a sixteenth for what nobody accounts for
     * @param source who says so
     */
    private record Space(long limit, long heap, long overhead, String source) {}

    private Space space() {
        Runtime runtime = Runtime.getRuntime();
        if (memory != null) {
            long limit = memory.bytes();
            long forHeap = heap == null ? limit / 4 : heap.bytes();
            return new Space(limit, forHeap, forHeap + limit / 16, "as given");
        }
        // what this process has taken already, it can use
        ContainerMemory.Available available = new ContainerMemory().available();
        long forHeap = heap == null ? runtime.maxMemory() : heap.bytes();
        long limit = available.bytes() + runtime.totalMemory();
        return new Space(limit, forHeap, forHeap + limit / 16, available.source());
    }

    private PlanTable table(
            Footprint footprint,
            PlannedTraffic traffic,
            MachineSettings.Machine speed,
            Space space) {
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

    private void print(
            PrintWriter out,
            Checkpoint checkpoint,
            Footprint footprint,
            PlannedTraffic traffic,
            MachineSettings.Machine speed,
            PlanTable table,
            Space space) {
        ModelSpec shape = checkpoint.spec();
        out.printf(
                Locale.ROOT,
                "model     %s (%s): %d layers, %d of them with %d experts, %d for each token%n",
                checkpoint.location().getFileName(),
                shape.family(),
                shape.layers(),
                MachineSettings.moeLayers(shape),
                shape.experts(),
                shape.expertsPerToken());
        out.printf(
                Locale.ROOT,
                "memory    %s (%s): %s Java heap, %s code and threads, %s dense weights, %s keys and"
                        + " values for %d tokens of context, %s scratch%n",
                ModelFacts.size(space.limit()),
                space.source(),
                ModelFacts.size(space.heap()),
                ModelFacts.size(space.overhead() - space.heap()),
                ModelFacts.size(footprint.denseBytes()),
                ModelFacts.size(footprint.kvBytes()),
                footprint.contextLength(),
                ModelFacts.size(footprint.scratchBytes()));
        out.printf(
                Locale.ROOT,
                "experts   %s each, %s all %d of them%n",
                ModelFacts.size(footprint.slotBytes()),
                ModelFacts.size(footprint.allExpertBytes()),
                footprint.experts());
        speed.lines().forEach(out::println);
        out.println("traffic   " + traffic.description());
        out.println(
                "cache     policy " + policy + ", one pool, no prefetch; one request at a time");
        speed.warnings().forEach(warning -> out.println("note      " + warning));
        out.println();
        table.lines().forEach(out::println);
    }

    private JsonObject json(
            Checkpoint checkpoint,
            Footprint footprint,
            PlannedTraffic traffic,
            MachineSettings.Machine speed,
            PlanTable table,
            @Nullable SplitComparison splits) {
        JsonObject result = new JsonObject();
        result.addProperty("model", checkpoint.location().toString());
        JsonObject memoryJson = new JsonObject();
        memoryJson.addProperty("limit_bytes", table.limitBytes());
        memoryJson.addProperty("overhead_bytes", table.overheadBytes());
        memoryJson.addProperty("dense_bytes", footprint.denseBytes());
        memoryJson.addProperty("kv_bytes", footprint.kvBytes());
        memoryJson.addProperty("scratch_bytes", footprint.scratchBytes());
        memoryJson.addProperty("slot_bytes", footprint.slotBytes());
        memoryJson.addProperty("experts", footprint.experts());
        result.add("memory", memoryJson);
        if (speed.disk() != null) {
            JsonObject disk = new JsonObject();
            disk.addProperty("expert_seconds", speed.disk().oneSeconds().median());
            disk.addProperty("expert_seconds_low", speed.disk().oneSeconds().low());
            disk.addProperty("expert_seconds_high", speed.disk().oneSeconds().high());
            disk.addProperty("bytes_per_second", speed.disk().bytesPerSecond());
            result.add("disk", disk);
        }
        if (speed.compute() != null) {
            JsonObject compute = new JsonObject();
            compute.addProperty("token_seconds", speed.compute().tokenSeconds().median());
            compute.addProperty("token_seconds_low", speed.compute().tokenSeconds().low());
            compute.addProperty("token_seconds_high", speed.compute().tokenSeconds().high());
            compute.addProperty("expert_seconds", speed.compute().expertSeconds());
            result.add("compute", compute);
        }
        if (speed.misses() != null) {
            JsonObject misses = new JsonObject();
            misses.addProperty("token_seconds", speed.misses().tokenSeconds().median());
            misses.addProperty("token_seconds_low", speed.misses().tokenSeconds().low());
            misses.addProperty("token_seconds_high", speed.misses().tokenSeconds().high());
            misses.addProperty("bytes_per_token", speed.misses().bytesPerToken());
            result.add("every_expert_read", misses);
        }
        result.addProperty("traffic", traffic.description());
        result.addProperty("traffic_assumed", traffic.assumed());
        result.addProperty("policy", policy.toString());
        JsonArray notes = new JsonArray();
        speed.warnings().forEach(notes::add);
        result.add("notes", notes);
        result.add("budgets", table.json());
        if (splits != null) {
            result.add("splits", splits.json());
        }
        return result;
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
