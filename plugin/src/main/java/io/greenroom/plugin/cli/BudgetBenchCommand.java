package io.greenroom.plugin.cli;

import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.greenroom.cache.ByteSize;
import io.greenroom.cache.ExpertBudget;
import io.greenroom.offload.decoder.BudgetChange;
import io.greenroom.offload.decoder.MoeModel;
import io.greenroom.plugin.host.LocalModel;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** How long a change of the budget takes under load, and what becomes of memory and requests. */
@Command(
        name = "budget",
        description = {
            "Changes the expert budget of one model while requests run, and prints for each change"
                    + " how long it took to be in force and what the process holds.",
            "Requests generate greedily from random tokens; each must end with the tokens that the"
                    + " model gave at its first budget. Ends with exit code 1 if one does not."
        })
final class BudgetBenchCommand implements Callable<Integer> {

    @Spec private CommandSpec spec = CommandSpec.create();

    @Mixin private ModelChoice choice = new ModelChoice();

    @Mixin private ModelSettings settings = new ModelSettings();

    @Option(
            names = "--budgets",
            split = ",",
            defaultValue = "100%,25%,100%,50%,25%,75%,25%,100%",
            paramLabel = "BUDGET",
            description = "What to change to, in turn (default: ${DEFAULT-VALUE}).")
    private List<String> budgets = new ArrayList<>();

    @Option(
            names = "--clients",
            defaultValue = "2",
            paramLabel = "N",
            description = "Requests at the same time (default: ${DEFAULT-VALUE}).")
    private int clients = 2;

    @Option(
            names = "--tokens",
            defaultValue = "32",
            paramLabel = "N",
            description = "Tokens of each answer (default: ${DEFAULT-VALUE}).")
    private int tokens = 32;

    @Option(
            names = "--answers",
            defaultValue = "6",
            paramLabel = "N",
            description = "Answers between two changes (default: ${DEFAULT-VALUE}).")
    private int answers = 6;

    @Option(names = "--json", description = "Print the figures as one JSON object.")
    private boolean json;

    /** One change. Sizes in bytes. */
    private record Step(
            String budget,
            BudgetChange.Size before,
            BudgetChange.Size after,
            double millis,
            ProcessMemory memoryBefore,
            ProcessMemory memoryAfter) {}

    @Override
    public Integer call() throws IOException, InterruptedException {
        if (clients < 1 || tokens < 1 || answers < 1) {
            throw new ParameterException(
                    spec.commandLine(), "--clients, --tokens and --answers must be at least 1");
        }
        List<ExpertBudget> changes = new ArrayList<>();
        for (String budget : budgets) {
            try {
                changes.add(ExpertBudget.parse(budget));
            } catch (IllegalArgumentException e) {
                throw new ParameterException(spec.commandLine(), e.getMessage(), e);
            }
        }
        PrintWriter err = spec.commandLine().getErr();
        Map<String, String> first = Map.of("expert_budget", changes.get(0).toString());
        List<Step> steps = new ArrayList<>();
        BackgroundRequests.Result requests;
        try (LocalModel local = choice.load(settings, first, err)) {
            MoeModel model = local.moe();
            try (BackgroundRequests running = BackgroundRequests.start(model, clients, tokens)) {
                running.await(answers);
                for (ExpertBudget change : changes.subList(1, changes.size())) {
                    steps.add(change(model, change));
                    running.await(answers);
                }
                requests = running.end();
            }
        }
        PrintWriter out = spec.commandLine().getOut();
        if (json) {
            out.println(
                    new GsonBuilder().setPrettyPrinting().create().toJson(json(steps, requests)));
        } else {
            print(out, steps, requests);
        }
        out.flush();
        return requests.failed() + requests.different() == 0 ? 0 : 1;
    }

    private static Step change(MoeModel model, ExpertBudget budget)
            throws IOException, InterruptedException {
        ProcessMemory before = ProcessMemory.now();
        long begun = System.nanoTime();
        BudgetChange change = model.setBudget(budget);
        try {
            change.reached().get();
        } catch (ExecutionException e) {
            throw new IOException("The budget was not reached: " + e.getMessage(), e);
        }
        double millis = (System.nanoTime() - begun) / 1e6;
        return new Step(
                budget.toString(),
                change.before(),
                change.after(),
                millis,
                before,
                ProcessMemory.now());
    }

    private static void print(
            PrintWriter out, List<Step> steps, BackgroundRequests.Result requests) {
        out.println("budget     experts        in force after   anonymous memory of the process");
        for (Step step : steps) {
            out.printf(
                    Locale.ROOT,
                    "%-8s %5d -> %-5d %12.1f ms      %s -> %s%n",
                    step.budget(),
                    step.before().slots(),
                    step.after().slots(),
                    step.millis(),
                    new ByteSize(step.memoryBefore().anonymous()),
                    new ByteSize(step.memoryAfter().anonymous()));
        }
        double slowest = steps.stream().mapToDouble(Step::millis).max().orElse(0);
        out.printf(
                Locale.ROOT,
                "%d changes, the slowest %.1f ms; %d requests, %d failed, %d with other tokens%n",
                steps.size(),
                slowest,
                requests.answered(),
                requests.failed(),
                requests.different());
        requests.failures().forEach(failure -> out.println("failed: " + failure));
    }

    private static JsonObject json(List<Step> steps, BackgroundRequests.Result requests) {
        JsonArray changes = new JsonArray();
        for (Step step : steps) {
            JsonObject change = new JsonObject();
            change.addProperty("budget", step.budget());
            change.addProperty("slots_before", step.before().slots());
            change.addProperty("slots_after", step.after().slots());
            change.addProperty("bytes_before", step.before().bytes());
            change.addProperty("bytes_after", step.after().bytes());
            change.addProperty("millis", step.millis());
            change.addProperty("rss_before", step.memoryBefore().resident());
            change.addProperty("rss_after", step.memoryAfter().resident());
            change.addProperty("anonymous_before", step.memoryBefore().anonymous());
            change.addProperty("anonymous_after", step.memoryAfter().anonymous());
            changes.add(change);
        }
        JsonObject json = new JsonObject();
        json.add("changes", changes);
        json.addProperty("requests", requests.answered());
        json.addProperty("failed", requests.failed());
        json.addProperty("with_other_tokens", requests.different());
        return json;
    }
}
