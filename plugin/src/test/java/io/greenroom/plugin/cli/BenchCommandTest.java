package io.greenroom.plugin.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.greenroom.offload.kernel.TensorType;
import io.greenroom.offload.store.ModelSpec.Family;
import io.greenroom.offload.synthetic.Geometry;
import io.greenroom.offload.synthetic.ModelWriter;
import io.greenroom.offload.synthetic.Recipe;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The comparisons, on a model so small that their figures say nothing. */
class BenchCommandTest {

    @TempDir static Path folder;

    private static String model = "";

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    @BeforeAll
    static void write() throws Exception {
        Path file = folder.resolve("small.gguf");
        Recipe recipe = new Recipe(Geometry.small(Family.OLMOE), TensorType.Q8_0, 1, 0, 0.95);
        ModelWriter.write(recipe, file, 1, (done, total) -> {});
        model = file.toString();
    }

    private int run(String... arguments) {
        return Greenroom.commandLine()
                .setOut(new PrintWriter(out, true))
                .setErr(new PrintWriter(err, true))
                .execute(arguments);
    }

    private JsonObject json() {
        return JsonParser.parseString(out.toString()).getAsJsonObject();
    }

    @Test
    void decodingIsTimedAtEveryBudget() {
        int code =
                run(
                        "bench",
                        "decode",
                        "--model",
                        model,
                        "--budget",
                        "100%,min",
                        "--tokens",
                        "6",
                        "--prompt-tokens",
                        "4",
                        "--prefill-tokens",
                        "20",
                        "--repeat",
                        "1",
                        "--json");
        assertThat(code).as(err.toString()).isZero();
        List<JsonElement> budgets = json().getAsJsonArray("budgets").asList();
        assertThat(budgets).hasSize(2);
        JsonObject all = budgets.get(0).getAsJsonObject();
        JsonObject least = budgets.get(1).getAsJsonObject();
        assertThat(median(all.getAsJsonObject("warm"), "hit_rate")).isEqualTo(1);
        assertThat(median(least.getAsJsonObject("warm"), "hit_rate")).isLessThan(0.5);
        assertThat(median(least.getAsJsonObject("warm"), "bytes_per_token")).isPositive();
        assertThat(median(all, "prompt_tokens_per_second_cold")).isPositive();
        assertThat(median(all, "peak_bytes")).isGreaterThan(1 << 20);
    }

    @Test
    void aWarmStartIsComparedWithAColdOne() throws Exception {
        Path heat =
                Files.writeString(folder.resolve("heat.txt"), "the cat sat on the mat ".repeat(60));
        Path other =
                Files.writeString(folder.resolve("other.txt"), "a dog ran to the wood ".repeat(60));
        String[] arguments = {
            "bench",
            "warm",
            "--model",
            model,
            "--budget",
            "50%",
            "--heat-text",
            heat.toString(),
            "--text",
            other.toString(),
            "--tokens",
            "40",
            "--window",
            "8",
            "--repeat",
            "2",
            "--threads",
            "1"
        };
        assertThat(run(arguments)).as(err.toString()).isZero();
        assertThat(out.toString())
                .contains("2 passages of 40 tokens")
                .containsPattern("50% +\\d+ +\\d+ \\(\\d+-\\d+\\)");
        out.getBuffer().setLength(0);
        String[] more = Arrays.copyOf(arguments, arguments.length + 1);
        more[arguments.length] = "--json";
        assertThat(run(more)).as(err.toString()).isZero();
        JsonObject budget = json().getAsJsonArray("budgets").get(0).getAsJsonObject();
        JsonObject warm = budget.getAsJsonObject("warm");
        JsonObject cold = budget.getAsJsonObject("cold");
        assertThat(median(warm, "experts_warmed"))
                .isPositive()
                .isLessThanOrEqualTo(budget.get("slots").getAsDouble());
        assertThat(median(cold, "experts_warmed")).isZero();
        assertThat(median(warm, "hit_rate_first_32"))
                .isGreaterThan(median(cold, "hit_rate_first_32"));
        assertThat(median(warm, "tokens_until")).isBetween(0.0, 40.0);
    }

    @Test
    void aWarmStartNeedsTextEnough() throws Exception {
        Path text = Files.writeString(folder.resolve("short.txt"), "the cat");
        int code =
                run(
                        "bench",
                        "warm",
                        "--model",
                        model,
                        "--heat-text",
                        text.toString(),
                        "--text",
                        text.toString());
        assertThat(code).isNotZero();
        assertThat(err.toString()).contains("short.txt has ", "3 passages of 512 were asked for");
        assertThat(run("bench", "warm", "--tokens", "9", "--heat-text", "a", "--text", "b"))
                .isEqualTo(2);
        assertThat(err.toString()).contains("--tokens must be at least twice --window");
    }

    @Test
    void theLadderClimbsFromLoadOnDemandToOurs() {
        int code =
                run(
                        "bench",
                        "ladder",
                        "--model",
                        model,
                        "--budget",
                        "30%,60%",
                        "--tokens",
                        "8",
                        "--repeat",
                        "2",
                        "--threads",
                        "1",
                        "--json");
        assertThat(code).as(err.toString()).isZero();
        assertThat(json().getAsJsonArray("budgets")).hasSize(2);
        JsonObject budget = json().getAsJsonArray("budgets").get(1).getAsJsonObject();
        assertThat(budget.get("budget").getAsString()).isEqualTo("60%");
        assertThat(budget.get("tokens_identical").getAsBoolean()).isTrue();
        List<JsonObject> ways =
                budget.getAsJsonArray("ways").asList().stream()
                        .map(JsonElement::getAsJsonObject)
                        .toList();
        assertThat(ways)
                .extracting(way -> way.get("way").getAsString())
                .containsExactly("load-on-demand", "lru", "lru, hits first", "ours");
        for (JsonObject way : ways) {
            assertThat(median(way, "tokens_per_second")).isPositive();
            assertThat(way.getAsJsonObject("tokens_per_second").getAsJsonArray("values"))
                    .hasSize(2);
        }
        assertThat(median(ways.get(0), "hit_rate")).as("nothing is kept").isZero();
        assertThat(median(ways.get(1), "hit_rate"))
                .isEqualTo(median(ways.get(2), "hit_rate"))
                .isPositive();
        assertThat(median(ways.get(0), "bytes_per_token"))
                .isGreaterThan(median(ways.get(1), "bytes_per_token"));
        assertThat(median(ways.get(3), "ours_is_faster_by")).isEqualTo(1);
    }

    @Test
    void theLadderInWords() {
        int code =
                run(
                        "bench",
                        "ladder",
                        "--model",
                        model,
                        "--budget",
                        "50%",
                        "--tokens",
                        "4",
                        "--repeat",
                        "1",
                        "--threads",
                        "1",
                        "--prompt",
                        "ab cd");
        assertThat(code).as(err.toString()).isZero();
        assertThat(out.toString())
                .contains("Budget 50%", "load-on-demand", "ours is ", " times as fast as lru")
                .contains("All runs produced the same tokens.");
    }

    @Test
    void budgetsChangeUnderRequests() {
        int code =
                run(
                        "bench",
                        "budget",
                        "--model",
                        model,
                        "--budgets",
                        "100%,25%,60%",
                        "--tokens",
                        "6",
                        "--answers",
                        "2",
                        "--json");
        assertThat(code).as(err.toString()).isZero();
        JsonObject json = json();
        assertThat(json.get("failed").getAsInt()).isZero();
        assertThat(json.get("with_other_tokens").getAsInt()).isZero();
        assertThat(json.get("requests").getAsInt()).isGreaterThanOrEqualTo(6);
        assertThat(json.getAsJsonArray("changes")).hasSize(2);
        JsonObject less = json.getAsJsonArray("changes").get(0).getAsJsonObject();
        assertThat(less.get("slots_after").getAsInt()).isPositive();
        assertThat(less.get("slots_after").getAsInt())
                .isLessThanOrEqualTo(less.get("slots_before").getAsInt() / 4);
        assertThat(less.get("rss_after").getAsLong()).isPositive();
    }

    @Test
    void budgetsThatAreNoneAreBadUsage() {
        assertThat(run("bench", "budget", "--model", model, "--budgets", "100%,lots")).isEqualTo(2);
        assertThat(err.toString()).contains("Not a budget: \"lots\"");
    }

    @Test
    void prefetchOffAutoAndOnOverASlowLink() {
        int code =
                run(
                        "bench",
                        "prefetch",
                        "--model",
                        model,
                        "--link",
                        "100MB/s",
                        "--tokens",
                        "24",
                        "--repeat",
                        "1",
                        "--threads",
                        "1",
                        "--json");
        assertThat(code).as(err.toString()).isZero();
        assertThat(json().get("link").getAsString()).isEqualTo("100MB/s");
        List<JsonObject> modes =
                json().getAsJsonArray("modes").asList().stream()
                        .map(JsonElement::getAsJsonObject)
                        .toList();
        assertThat(modes)
                .extracting(mode -> mode.get("way").getAsString())
                .containsExactly("off", "auto", "on");
        assertThat(median(modes.get(0), "prefetched")).isZero();
        assertThat(median(modes.get(2), "prefetched")).isPositive();
        assertThat(modes.get(0).get("reason").getAsString()).isEqualTo("off: as configured");
        assertThat(modes.get(2).get("reason").getAsString()).isEqualTo("on: as configured");
        assertThat(median(modes.get(0), "times_as_fast_as_off")).isEqualTo(1);
    }

    @Test
    void recordsGrowLessThanTheirInterval() {
        int code =
                run(
                        "bench",
                        "record-size",
                        "--layers",
                        "3",
                        "--experts",
                        "16",
                        "--top-k",
                        "2",
                        "--rates",
                        "40",
                        "--intervals",
                        "1,4",
                        "--seconds",
                        "4",
                        "--json");
        assertThat(code).as(err.toString()).isZero();
        List<JsonObject> rows =
                json().getAsJsonArray("records").asList().stream()
                        .map(JsonElement::getAsJsonObject)
                        .toList();
        assertThat(rows).hasSize(2);
        double second = median(rows.get(0), "stored_bytes");
        double four = median(rows.get(1), "stored_bytes");
        assertThat(second).isBetween(200.0, median(rows.get(0), "json_bytes"));
        assertThat(four).isBetween(second, 2 * second);
        assertThat(rows.get(0).get("stored_bytes_per_day").getAsDouble())
                .isBetween(second * 80_000, second * 95_000);
        assertThat(rows.get(1).get("stored_bytes_per_day").getAsDouble())
                .isLessThan(second * 86_400 / 1.5);

        assertThat(run("bench", "record-size", "--intervals", "60")).isEqualTo(2);
        assertThat(err.toString()).contains("--intervals from 1 to --seconds (30)");
    }

    @Test
    void telemetryWithoutAndWithReports() {
        int code =
                run(
                        "bench",
                        "telemetry",
                        "--model",
                        model,
                        "--tokens",
                        "24",
                        "--repeat",
                        "2",
                        "--threads",
                        "1",
                        "--interval",
                        "100ms",
                        "--json");
        assertThat(code).as(err.toString()).isZero();
        List<JsonObject> ways =
                json().getAsJsonArray("ways").asList().stream()
                        .map(JsonElement::getAsJsonObject)
                        .toList();
        assertThat(ways)
                .extracting(way -> way.get("way").getAsString())
                .containsExactly("off", "reports");
        assertThat(ways.get(0).get("cost_percent").getAsDouble()).isZero();
        assertThat(ways.get(1).get("reports_delivered").getAsLong()).isGreaterThanOrEqualTo(2);
        assertThat(ways.get(1).get("reports_dropped").getAsLong()).isZero();
        assertThat(ways.get(1).getAsJsonObject("tokens_per_second").get("median").getAsDouble())
                .isPositive();
    }

    @Test
    void telemetryToABrokerThatIsNotThereSaysNothingOfItsCost() {
        int code =
                run(
                        "bench",
                        "telemetry",
                        "--model",
                        model,
                        "--tokens",
                        "8",
                        "--repeat",
                        "1",
                        "--threads",
                        "1",
                        "--bootstrap-servers",
                        "127.0.0.1:1");
        assertThat(code).isEqualTo(1);
        assertThat(err.toString())
                .contains("No report of \"kafka\" was delivered, so this says nothing of its cost")
                .contains("topic greenroom.expert-usage at 127.0.0.1:1");
    }

    @Test
    void prefetchBesideACompetingReader() {
        int code =
                run(
                        "bench",
                        "prefetch",
                        "--model",
                        model,
                        "--saturate",
                        "--tokens",
                        "4",
                        "--repeat",
                        "1",
                        "--threads",
                        "1",
                        "--no-preread");
        assertThat(code).as(err.toString()).isZero();
        assertThat(err.toString()).containsPattern("The competing reader read [1-9]\\d* MB/s");
        assertThat(out.toString())
                .contains(
                        "auto is ", " times as fast as off", "All runs produced the same tokens.");
    }

    @Test
    void mistakesAreNamed() {
        assertThat(run("bench")).isEqualTo(2);
        assertThat(err.toString()).contains("Missing required subcommand", "ladder", "prefetch");
        assertThat(run("bench", "prefetch", "--model", model, "--tokens", "1")).isEqualTo(1);
        assertThat(err.toString())
                .contains("--tokens must be at least 2, --prompt-tokens and --repeat at least 1");
        assertThat(run("bench", "prefetch", "--model", model, "--link", "fast")).isEqualTo(1);
        assertThat(err.toString())
                .contains("option.link_limit=fast is not accepted: write a size above 0");
        assertThat(run("bench", "ladder", "--model", folder.resolve("no.gguf").toString()))
                .isEqualTo(1);
        assertThat(err.toString()).contains("There is no model at ");
    }

    @Test
    void aSpreadIsMedianAndRange() {
        assertThat(Spread.of(List.of(3.0, 1.0, 2.0)).inWords(1)).isEqualTo("2.0 (1.0-3.0)");
        assertThat(Spread.of(List.of(4.0, 1.0)).median()).isEqualTo(2.5);
        assertThatThrownBy(() -> Spread.of(List.of()))
                .hasMessage("A spread needs at least one value");
    }

    @Test
    void aFileIsReadOnceToItsEnd() throws Exception {
        Path file = Files.write(folder.resolve("odd"), new byte[3 * 4096 + 17]);
        long[] last = new long[1];
        DirectReads.once(file, read -> last[0] = read);
        assertThat(last[0]).isEqualTo(3 * 4096 + 17);
    }

    private static double median(JsonObject way, String figure) {
        return way.getAsJsonObject(figure).get("median").getAsDouble();
    }
}
