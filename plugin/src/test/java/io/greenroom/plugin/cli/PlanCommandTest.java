package io.greenroom.plugin.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.assertj.core.api.Assertions.withinPercentage;

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

    private static final String TRACE = "../integration-tests/traces/session-train.trace";

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
                .containsPattern("64 +planner .*one pool")
                .containsPattern("64 +optimum .*8,8,8,8,8,8,8,8")
                .containsPattern("64 +genetic ")
                .containsPattern("64 +shallow .*32,8,4,4,4,4,4,4")
                .containsPattern("64 +equal ")
                .containsPattern("64 +shared ");
    }

    @Test
    void foretellsMixesOfPrecisions() throws IOException {
        Path copies = folder.resolve("demo.lowbit");
        assertThat(execute("pack", "--low-bit", "q4_0", "--out", copies.toString(), MODEL))
                .as(err.toString())
                .isZero();
        out.getBuffer().setLength(0);

        int code =
                run(
                        MODEL,
                        "--low-bit",
                        copies.toString(),
                        "--trace",
                        TRACE,
                        "--bandwidth",
                        "1GB",
                        "--token-time",
                        "2",
                        "--budgets",
                        "25%",
                        "--json");

        assertThat(code).as(err.toString()).isZero();
        JsonObject plan = JsonParser.parseString(out.toString()).getAsJsonObject();
        JsonObject low = plan.getAsJsonObject("low_bit");
        assertThat(low.get("copies").getAsString()).isEqualTo("q4_0");
        assertThat(low.get("copy_bytes").getAsLong())
                .isLessThan(low.get("expert_bytes").getAsLong());
        List<JsonObject> mixes = new ArrayList<>();
        low.getAsJsonArray("mixes").forEach(mix -> mixes.add(mix.getAsJsonObject()));
        assertThat(mixes)
                .extracting(mix -> mix.get("way").getAsString())
                .containsExactly("exact", "share", "share", "share", "share", "planner");
        JsonObject exact = mixes.get(0);
        JsonObject budget = plan.getAsJsonArray("budgets").get(0).getAsJsonObject();
        // the simulator lets a prompt's experts go one by one, the replay of mixes all together
        assertThat(exact.get("hit_rate").getAsDouble())
                .isCloseTo(budget.get("hit_rate").getAsDouble(), within(0.005));
        assertThat(exact.get("bytes_per_token").getAsDouble())
                .isCloseTo(budget.get("bytes_per_token").getAsDouble(), withinPercentage(1));
        assertThat(exact.get("full_share").getAsDouble()).isEqualTo(1);
        double fewest = Double.POSITIVE_INFINITY;
        for (JsonObject mix : mixes) {
            double read = mix.get("bytes_per_token").getAsDouble();
            fewest = Math.min(fewest, read);
            assertThat(
                            mix.get("full_share").getAsDouble()
                                    + mix.get("copied_share").getAsDouble()
                                    + mix.get("skipped_share").getAsDouble())
                    .isCloseTo(1, within(1e-9));
            long memory =
                    mix.get("slots").getAsInt()
                                    * plan.getAsJsonObject("memory").get("slot_bytes").getAsLong()
                            + mix.get("copy_slots").getAsInt() * low.get("copy_bytes").getAsLong();
            assertThat(memory).isLessThanOrEqualTo(budget.get("budget_bytes").getAsLong());
        }
        for (JsonObject mix : mixes) {
            assertThat(mix.get("fewest_bytes").getAsBoolean())
                    .isEqualTo(mix.get("bytes_per_token").getAsDouble() == fewest);
        }
        // every mix reads less than exact, and the demo model is disk-bound at this bandwidth
        assertThat(fewest).isLessThan(0.7 * exact.get("bytes_per_token").getAsDouble());
        JsonObject planner = mixes.get(5);
        assertThat(planner.get("promised_bytes_per_token").getAsDouble())
                .isCloseTo(planner.get("bytes_per_token").getAsDouble(), withinPercentage(30));
        assertThat(planner.get("tokens_per_second").getAsDouble())
                .isGreaterThan(exact.get("tokens_per_second").getAsDouble());
    }

    @Test
    void mixesAreForetoldFromTracesOnly() throws IOException {
        Path copies = folder.resolve("demo.lowbit");
        assertThat(execute("pack", "--low-bit", "q2_g32", "--out", copies.toString(), MODEL))
                .as(err.toString())
                .isZero();
        assertThat(run(MODEL, "--no-probe", "--low-bit", copies.toString())).isEqualTo(1);
        assertThat(err.toString())
                .contains("Low-bit copies are planned from recorded traffic only")
                .contains("add --trace FILE");
        Path bare = trace("own.trace", Fingerprint.of(Checkpoints.open(Path.of(MODEL))));
        assertThat(
                        run(
                                MODEL,
                                "--no-probe",
                                "--low-bit",
                                copies.toString(),
                                "--trace",
                                bare.toString()))
                .isEqualTo(1);
        assertThat(err.toString()).contains("has no router probabilities");
        assertThat(
                        run(
                                MODEL,
                                "--no-probe",
                                "--low-bit",
                                copies.toString(),
                                "--trace",
                                bare.toString(),
                                "--check",
                                bare.toString()))
                .isEqualTo(1);
        assertThat(err.toString()).contains("leave out the low-bit copies, or --check");
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
        return execute(all.toArray(String[]::new));
    }

    private int execute(String... arguments) {
        return Greenroom.commandLine()
                .setOut(new PrintWriter(out, true))
                .setErr(new PrintWriter(err, true))
                .execute(arguments);
    }
}
