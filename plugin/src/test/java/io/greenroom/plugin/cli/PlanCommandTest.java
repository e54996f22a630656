package io.greenroom.plugin.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.greenroom.cache.trace.LayerRouting;
import io.greenroom.cache.trace.RoutingTraceWriter;
import io.greenroom.cache.trace.TraceHeader;
import io.greenroom.cache.trace.TraceStep;
import io.greenroom.offload.store.Checkpoints;
import io.greenroom.offload.store.Fingerprint;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** On the demo model, whose shape is known: 8 layers of 32 experts, 4 for each token. */
class PlanCommandTest {

    private static final String MODEL = "../integration-tests/demo-model/greenroom-demo-q8_0.gguf";

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    @TempDir Path folder;

    @Test
    void printsALineForEachBudgetWithoutLoadingAnything() {
        int code =
                run(
                        MODEL,
                        "--no-probe",
                        "--memory",
                        "512MiB",
                        "--heap",
                        "64MiB",
                        "--budgets",
                        "1KiB,25%,100%,1GiB");

        assertThat(code).as(err.toString()).isZero();
        assertThat(out.toString())
                .contains("8 layers, 8 of them with 32 experts, 4 for each token")
                .contains("64.0 MiB Java heap", "ASSUMED, as no trace was given")
                .contains("disk      not measured", "compute   not measured")
                .containsPattern(
                        "1\\.0 KiB .* - .*below the floor: one token needs 4 experts at once")
                .containsPattern("25% +6\\.0 MiB +64 .* % .* - +fits, .* MiB to spare");
    }

    @Test
    void saysByHowMuchAModelDoesNotFit() {
        int code =
                run(
                        MODEL,
                        "--no-probe",
                        "--memory",
                        "100MiB",
                        "--heap",
                        "80MiB",
                        "--budgets",
                        "100%");

        assertThat(code).as(err.toString()).isZero();
        assertThat(out.toString()).containsPattern("100% .*does not fit: .* MiB too much");
    }

    @Test
    void foretellsSpeedFromGivenFigures() {
        int code =
                run(
                        MODEL,
                        "--bandwidth",
                        "1GB",
                        "--latency",
                        "0.2",
                        "--token-time",
                        "2",
                        "--budgets",
                        "25%,50%,100%",
                        "--json");

        assertThat(code).as(err.toString()).isZero();
        JsonObject plan = JsonParser.parseString(out.toString()).getAsJsonObject();
        assertThat(plan.get("traffic_assumed").getAsBoolean()).isTrue();
        double before = 0;
        for (int i = 0; i < 3; i++) {
            JsonObject budget = plan.getAsJsonArray("budgets").get(i).getAsJsonObject();
            double speed = budget.get("tokens_per_second").getAsDouble();
            // no faster than computing alone, and faster with more memory
            assertThat(speed).isGreaterThan(before).isLessThanOrEqualTo(500);
            before = speed;
        }
    }

    @Test
    void plansFromATraceOfThisModelOnly() throws IOException {
        String fingerprint = Fingerprint.of(Checkpoints.open(Path.of(MODEL)));
        Path own = trace("own.trace", fingerprint);
        Path foreign = trace("foreign.trace", "0123456789abcdef");

        assertThat(run(MODEL, "--no-probe", "--trace", own.toString(), "--budgets", "25%"))
                .as(err.toString())
                .isZero();
        // 50 tokens ask for the same 32 experts: only the first one misses
        assertThat(out.toString())
                .contains("50 tokens in 1 trace recorded from this checkpoint")
                .containsPattern("25% .* 98\\.0 %");

        assertThat(run(MODEL, "--no-probe", "--trace", foreign.toString())).isEqualTo(1);
        assertThat(err.toString())
                .contains("foreign.trace was recorded from another checkpoint")
                .contains("0123456789abcdef", fingerprint);
    }

    @Test
    void comparesWaysOfDividingTheSlots() throws IOException {
        Path own = trace("own.trace", Fingerprint.of(Checkpoints.open(Path.of(MODEL))));
        int code =
                run(
                        MODEL,
                        "--no-probe",
                        "--split",
                        "--trace",
                        own.toString(),
                        "--held-out",
                        own.toString(),
                        "--budgets",
                        "25%");

        assertThat(code).as(err.toString()).isZero();
        assertThat(out.toString())
                .containsPattern("64 +planner .*8,8,8,8,8,8,8,8")
                .containsPattern("64 +genetic ")
                .containsPattern("64 +shallow .*32,8,4,4,4,4,4,4")
                .containsPattern("64 +equal ")
                .containsPattern("64 +shared ");
    }

    @Test
    void refusesWhatIsNoBudget() {
        assertThat(run(MODEL, "--budgets", "much")).isEqualTo(CommandLine.ExitCode.USAGE);
        assertThat(err.toString()).contains("Not a budget: \"much\"");
    }

    private Path trace(String name, String fingerprint) throws IOException {
        long[] bytes = new long[8];
        Arrays.fill(bytes, 78_336);
        TraceHeader header =
                new TraceHeader("demo", fingerprint, 32, 4, 4, 0, true, 98_304, bytes, Set.of());
        Path file = folder.resolve(name);
        try (RoutingTraceWriter writer = RoutingTraceWriter.create(file, header, 1 << 20)) {
            for (int token = 0; token < 50; token++) {
                List<LayerRouting> layers = new ArrayList<>();
                for (int layer = 0; layer < 8; layer++) {
                    layers.add(LayerRouting.of(3, 7, 11, 15));
                }
                writer.write(
                        new TraceStep(
                                List.of(
                                        new TraceStep.Sequence(
                                                0, 1, TraceStep.Phase.DECODE, token == 0)),
                                new int[0],
                                layers));
            }
        }
        return file;
    }

    private int run(String... arguments) {
        List<String> all = new ArrayList<>(List.of("plan"));
        all.addAll(List.of(arguments));
        return Greenroom.commandLine()
                .setOut(new PrintWriter(out, true))
                .setErr(new PrintWriter(err, true))
                .execute(all.toArray(String[]::new));
    }
}
