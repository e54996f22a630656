package io.greenroom.plugin.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

/** {@code synthesize} and {@code predict}, on models of a few hundred KiB. */
class StudyCommandsTest {

    private static final String SIZES =
            "--layers 3 --hidden 64 --experts 8 --top-k 2 --expert-width 32 --heads 2 --kv-heads 1"
                    + " --head-dim 32 --vocab 400 --context 128";

    private StringWriter out = new StringWriter();
    private StringWriter err = new StringWriter();

    @TempDir Path folder;

    @ParameterizedTest
    @ValueSource(strings = {"synthesize", "predict"})
    void everyOptionIsExplained(String command) {
        assertThat(run(command, "--help")).isZero();
        assertThat(out.toString()).contains("Usage: greenroom " + command, "--json");
        Greenroom.commandLine()
                .getSubcommands()
                .get(command)
                .getCommandSpec()
                .options()
                .forEach(
                        option ->
                                assertThat(option.description())
                                        .as(option.longestName())
                                        .isNotEmpty());
    }

    @Test
    void aModelIsMadeAndItsRoutingReported() throws IOException {
        Path file = folder.resolve("m.gguf");
        assertThat(synthesize(SIZES + " --type q8_0 --skew 1 --report --json --out " + file))
                .isZero();
        JsonObject result = JsonParser.parseString(out.toString()).getAsJsonObject();
        assertThat(result.get("bytes").getAsLong()).isEqualTo(Files.size(file));
        JsonObject routing = result.getAsJsonObject("routing");
        for (String share : List.of("repeated", "similarity", "next_layer_recall")) {
            assertThat(routing.get(share).getAsDouble()).as(share).isBetween(0.1, 1.0);
        }
        assertThat(routing.get("skew").getAsDouble()).isBetween(0.3, 1.5);
        assertThat(routing.getAsJsonArray("layers")).hasSize(3);

        assertThat(synthesize(SIZES + " --report --out " + folder.resolve("n.gguf"))).isZero();
        assertThat(out.toString())
                .containsPattern("n\\.gguf: \\d+\\.\\d KiB in \\d")
                .contains(
                        "routing skew ", "% repeated from the token before,", "next-layer recall ");
    }

    @Test
    void nothingIsOverwritten() throws IOException {
        Path file = Files.writeString(folder.resolve("mine.gguf"), "precious");
        assertThat(synthesize(SIZES + " --out " + file)).isEqualTo(1);
        assertThat(err.toString()).contains("mine.gguf exists already; it is not overwritten");
        assertThat(file).hasContent("precious");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "--geometry huge | 'huge' is none of olmoe, qwen3-30b-a3b, custom",
                "--geometry custom --family gpt | 'gpt' is none of mixtral, olmoe, qwen2moe",
                "--geometry olmoe --family olmoe | --family is for --geometry custom",
                "--geometry custom --type q6_k | 'q6_k' is none of q4_0, q8_0, f16, bf16, f32",
                "--geometry custom --top-k 99 | top-k is 99, but there are 16 experts",
                "--geometry custom --similarity 2 | similarity is 2.0; expected more than 0"
            })
    void mistakesAreNamed(String options, String message) {
        assertThat(run(("synthesize --out m.gguf " + options).split(" ")))
                .isEqualTo(CommandLine.ExitCode.USAGE);
        assertThat(err.toString()).contains(message);
    }

    @Test
    void predictorsAreComparedAsATableAndAsCsv() throws IOException {
        Path model = folder.resolve("m.gguf");
        assertThat(synthesize(SIZES + " --out " + model)).isZero();
        Path text = Files.writeString(folder.resolve("t.txt"), "the quick brown fox ".repeat(40));
        String common = "predict --model " + model + " --budget 30% --request 40 --tokens 200";

        assertThat(run((common + " --text " + text).split(" "))).as("%s", err).isZero();
        assertThat(out.toString())
                .contains("control (a layer's own gate input): 100.00 % at width k")
                .containsPattern("norm\\+drift +1 ")
                .containsPattern("transitions +2 ")
                .doesNotContain("shared");

        assertThat(
                        run(
                                (common
                                                + " --variants plain,popularity --ahead 1 --csv --prompts "
                                                + Files.writeString(
                                                        folder.resolve("p.txt"),
                                                        "one two three\n\nfour five six\n"))
                                        .split(" ")))
                .as("%s", err)
                .isZero();
        List<String> lines = out.toString().lines().toList();
        assertThat(lines.get(0)).startsWith("model,slots,experts,predictor,ahead,layer,tokens,");
        // The control and both predictors, three layers each.
        assertThat(lines).hasSize(10).allMatch(line -> line.split(",").length == 15);
        for (String line : lines.subList(1, 4)) {
            assertThat(line).contains(",control,0,");
            assertThat(line.split(",")[7]).as("all foreseen").isEqualTo(line.split(",")[8]);
        }

        assertThat(
                        run(
                                (common
                                                + " --variants plain --per-layer --live --ahead 1"
                                                + " --text "
                                                + text)
                                        .split(" ")))
                .isZero();
        assertThat(out.toString())
                .contains("plain layer 2")
                .contains("reading ahead, as the engine does it with prefetch on")
                .containsPattern("(?m)^2( +\\d+){4} +\\d+\\.\\d %");
    }

    @Test
    void mistakesInComparingAreNamed() throws IOException {
        assertThat(run("predict", "--variants", "oracle", "--text", "x"))
                .isEqualTo(CommandLine.ExitCode.USAGE);
        assertThat(err.toString())
                .contains("There is no predictor 'oracle'; there are all, drift, ");
        assertThat(run("predict", "--ahead", "0", "--text", "x"))
                .isEqualTo(CommandLine.ExitCode.USAGE);
        assertThat(err.toString()).contains("--ahead is 0; it must be at least 1");
        assertThat(run("predict")).isEqualTo(CommandLine.ExitCode.USAGE);

        Path model = folder.resolve("m.gguf");
        assertThat(synthesize(SIZES + " --out " + model)).isZero();
        Path absent = folder.resolve("absent.txt");
        assertThat(run("predict", "--model", model.toString(), "--text", absent.toString()))
                .isEqualTo(1);
        assertThat(err.toString()).contains("There is no text at " + absent);
        Path shortText = Files.writeString(folder.resolve("short.txt"), "too short");
        assertThat(run("predict", "--model", model.toString(), "--text", shortText.toString()))
                .isEqualTo(1);
        assertThat(err.toString()).contains("a single request, which is spent on calibration");
    }

    private int synthesize(String options) {
        return run(("synthesize --geometry custom " + options).split(" "));
    }

    private int run(String... arguments) {
        out = new StringWriter();
        err = new StringWriter();
        return Greenroom.commandLine()
                .setOut(new PrintWriter(out, true))
                .setErr(new PrintWriter(err, true))
                .execute(arguments);
    }
}
