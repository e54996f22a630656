package io.greenroom.plugin.cli;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import io.greenroom.cache.policy.PolicyName;
import io.greenroom.cache.sim.GuessSource;
import io.greenroom.cache.sim.PolicySimulator;
import io.greenroom.cache.sim.RoutingSequence;
import io.greenroom.cache.sim.SimulationResult;
import io.greenroom.cache.sim.SimulationSetup;
import io.greenroom.cache.sim.TimeModel;
import io.greenroom.cache.trace.RoutingTrace;
import io.greenroom.offload.decoder.ComputeProbe;
import io.greenroom.offload.decoder.MissProbe;
import io.greenroom.offload.decoder.ModelOptions;
import io.greenroom.offload.probe.DiskProbe;
import io.greenroom.offload.store.Checkpoint;
import io.greenroom.offload.store.Checkpoints;
import io.greenroom.plugin.host.LocalModel;
import io.greenroom.plugin.host.ModelDefinition;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Holds the simulator against the model: measures disk and cores, records what the model does with
 * a prompt, predicts hits and speed at several budgets, and then loads the model with each of them
 * and looks. Exact routing makes all these runs ask for the same experts.
 */
final class SimulationCheck {

    private static final long PROBE_NANOS = 2_000_000_000L;

    private final ModelDefinition model;
    private final PolicyName policy;
    private final PrintWriter progress;

    /**
     * What came out at one budget.
     *
     * @param budget as asked for
     * @param slots what it comes to
     * @param predicted by the simulator
     * @param predictedSpeed tokens a second of the whole request
     * @param measured by the model
     */
    record Outcome(
            String budget,
            int slots,
            SimulationResult predicted,
            double predictedSpeed,
            GenerationFigures measured) {

        double hitError() {
            return 100 * (predicted.hitRate() - measured.hitRate());
        }

        double speedError() {
            return 100 * (predictedSpeed / measured.tokensPerSecond() - 1);
        }
    }

    /**
     * @param model with the operator's own options
     * @param progress where it tells what it is doing
     */
    SimulationCheck(ModelDefinition model, PolicyName policy, PrintWriter progress) {
        this.model = model;
        this.policy = policy;
        this.progress = progress;
    }

    /**
     * Does it all.
     *
     * @param request body of the request that every run answers
     * @param budgets as in serving.properties
     */
    List<Outcome> run(JsonObject request, List<String> budgets)
            throws IOException, InterruptedException {
        TimeModel time = measure();
        RoutingTrace trace = record(request);
        List<Outcome> outcomes = new ArrayList<>();
        for (String budget : budgets) {
            outcomes.add(compare(request, budget, RoutingSequence.of(trace), time));
        }
        return outcomes;
    }

    /** A table for people. */
    static String table(List<Outcome> outcomes) {
        StringBuilder text =
                new StringBuilder(
                        String.format(
                                Locale.ROOT,
                                "%-10s%7s%12s%12s%9s%12s%12s%9s%n",
                                "budget",
                                "slots",
                                "hits, sim %",
                                "measured",
                                "points",
                                "tok/s, sim",
                                "measured",
                                "off by"));
        for (Outcome outcome : outcomes) {
            text.append(
                    String.format(
                            Locale.ROOT,
                            "%-10s%7d%12.2f%12.2f%+9.2f%12.1f%12.1f%+8.1f%%%n",
                            outcome.budget(),
                            outcome.slots(),
                            100 * outcome.predicted().hitRate(),
                            100 * outcome.measured().hitRate(),
                            outcome.hitError(),
                            outcome.predictedSpeed(),
                            outcome.measured().tokensPerSecond(),
                            outcome.speedError()));
        }
        return text.toString();
    }

    static JsonObject json(List<Outcome> outcomes) {
        JsonArray array = new JsonArray();
        for (Outcome outcome : outcomes) {
            JsonObject json = new JsonObject();
            json.addProperty("budget", outcome.budget());
            json.addProperty("slots", outcome.slots());
            json.addProperty("predicted_hit_rate", outcome.predicted().hitRate());
            json.addProperty("predicted_tokens_per_second", outcome.predictedSpeed());
            json.addProperty("predicted_bytes", outcome.predicted().bytesLoaded());
            JsonObject measured = new JsonObject();
            outcome.measured().addTo(measured);
            json.add("measured", measured);
            array.add(json);
        }
        JsonObject all = new JsonObject();
        all.add("check", array);
        return all;
    }

    /** How fast disk and cores are, from probes that know nothing of what will be asked. */
    private TimeModel measure() throws IOException, InterruptedException {
        Checkpoint checkpoint = Checkpoints.open(model.path());
        ModelOptions options = ModelOptions.defaults();
        DiskProbe disk =
                LoadProgress.during(
                        "Measuring the disk",
                        progress,
                        () -> DiskProbe.of(checkpoint, options.directIo(), PROBE_NANOS, 1));
        ComputeProbe compute =
                LoadProgress.during(
                        "Measuring the cores",
                        progress,
                        () -> ComputeProbe.of(checkpoint, options, PROBE_NANOS));
        MissProbe misses =
                LoadProgress.during(
                        "Measuring both together",
                        progress,
                        () -> MissProbe.of(checkpoint, options, PROBE_NANOS));
        TimeModel time = ProbedTime.of(checkpoint.spec(), disk, compute, misses);
        progress.printf(
                Locale.ROOT,
                "Disk: %.0f MB/s and %.2f ms until an expert begins to arrive%s. Cores: %.2f ms a"
                        + " token, of it %.3f ms for each expert. Reading every expert: %.2f ms a"
                        + " token, so each wait costs %.3f ms besides.%n",
                time.bytesPerSecond() / 1e6,
                time.readLatency() / 1e6,
                disk.whyBuffered().map(why -> " (" + why + ")").orElse(""),
                compute.tokenSeconds().median() * 1e3,
                compute.expertSeconds() * 1e3,
                misses.tokenSeconds().median() * 1e3,
                time.resume() / 1e6);
        progress.flush();
        return time;
    }

    /** What the model asks for, with all experts in memory. */
    private RoutingTrace record(JsonObject request) throws IOException, InterruptedException {
        Path file = Files.createTempFile("greenroom-check", ".trace");
        Files.delete(file); // the recorder makes it
        try {
            answer(request, "100%", Map.of("trace", file.toString()));
            return RoutingTrace.read(file);
        } finally {
            Files.deleteIfExists(file);
        }
    }

    private Outcome compare(
            JsonObject request, String budget, RoutingSequence sequence, TimeModel time)
            throws IOException, InterruptedException {
        Run run = answer(request, budget, Map.of());
        SimulationResult predicted =
                PolicySimulator.run(
                        sequence,
                        new SimulationSetup(policy, null, run.slots(), GuessSource.NONE, time));
        double speed = run.figures().tokens() / (predicted.nanos() / 1e9);
        return new Outcome(budget, run.slots(), predicted, speed, run.figures());
    }

    /** One load of the model and one answer. */
    private record Run(int slots, GenerationFigures figures) {}

    private Run answer(JsonObject request, String budget, Map<String, String> more)
            throws IOException, InterruptedException {
        ModelDefinition definition =
                model.withOptions(
                                Map.of(
                                        "expert_budget",
                                        budget,
                                        "prefetch",
                                        "off",
                                        "cache_policy",
                                        policy.toString()))
                        .withOptions(more);
        try (LocalModel local =
                LoadProgress.during(
                        "Loading with " + budget, progress, () -> LocalModel.load(definition))) {
            AnswerReader reader = new AnswerReader(piece -> {});
            GenerationFigures.Start start = GenerationFigures.start(local.moe());
            local.request(request.toString(), reader);
            reader.end();
            String error = reader.error();
            if (error != null) {
                throw new IOException(error);
            }
            return new Run(local.moe().status().slots(), start.end(local.moe()));
        }
    }
}
