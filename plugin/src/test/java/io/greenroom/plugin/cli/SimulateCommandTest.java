package io.greenroom.plugin.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.greenroom.cache.trace.LayerRouting;
import io.greenroom.cache.trace.RoutingTraceWriter;
import io.greenroom.cache.trace.TraceHeader;
import io.greenroom.cache.trace.TraceStep;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringReader;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.Set;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.w3c.dom.Element;
import org.xml.sax.InputSource;
import picocli.CommandLine;

class SimulateCommandTest {

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    @TempDir Path folder;

    @Test
    void printsHitsBytesAndStallOfEveryPolicy() throws Exception {
        assertThat(run("simulate", trace("a", 40), "--budget", "25%,50%,100%")).as(err()).isZero();
        assertThat(out.toString())
                .contains(
                        "a: 40 tokens, 16 experts of 1.0 KiB; one token asks for 4 of them",
                        "Hits in % of experts asked for",
                        "Hits in % of the clairvoyant's",
                        "MiB read for each token",
                        "Stall in ms for each token",
                        "tinylfu",
                        "reuse",
                        "least_stale");
    }

    @Test
    void jsonCsvAndChartHoldTheSameFigures() throws Exception {
        Path csv = folder.resolve("out.csv");
        Path svg = folder.resolve("out.svg");
        int code =
                run(
                        "simulate",
                        trace("a", 60),
                        "--json",
                        "--budget",
                        "50%,25%",
                        "--policy",
                        "lru,reuse",
                        "--split",
                        "both",
                        "--csv",
                        csv.toString(),
                        "--svg",
                        svg.toString(),
                        "--title",
                        "A < B & C");
        assertThat(code).as(err()).isZero();
        JsonObject json = JsonParser.parseString(out.toString()).getAsJsonObject();
        assertThat(json.getAsJsonArray("results")).hasSize(8);
        JsonObject first = json.getAsJsonArray("results").get(0).getAsJsonObject();
        assertThat(first.get("policy").getAsString()).isEqualTo("lru");
        assertThat(first.get("slots").getAsInt()).isEqualTo(4);
        assertThat(first.get("hits").getAsLong() + first.get("misses").getAsLong())
                .isEqualTo(json.get("experts_asked_for").getAsLong())
                .isEqualTo(60 * 2 * 2);
        List<String> lines = Files.readAllLines(csv);
        assertThat(lines).hasSize(1 + 2 + 8);
        assertThat(lines).allMatch(line -> line.split(",", -1).length == 17);
        assertThat(lines.get(3))
                .startsWith("lru,shared,25%,4,")
                .contains("," + first.get("hits").getAsLong() + ",");
        Element root =
                DocumentBuilderFactory.newInstance()
                        .newDocumentBuilder()
                        .parse(new InputSource(new StringReader(Files.readString(svg))))
                        .getDocumentElement();
        assertThat(root.getElementsByTagName("title").item(0).getTextContent())
                .isEqualTo("A < B & C");
        assertThat(root.getElementsByTagName("polyline").getLength()).isEqualTo(5 + 5 + 4);
    }

    @Test
    void severalTracesAreAddedUp() throws Exception {
        String one = trace("a", 30);
        assertThat(run("simulate", one, one, "--json", "--policy", "lru")).as(err()).isZero();
        JsonObject json = JsonParser.parseString(out.toString()).getAsJsonObject();
        assertThat(json.get("tokens").getAsLong()).isEqualTo(60);
    }

    @Test
    void tracesOfDifferentModelsAreRefused() throws Exception {
        assertThat(run("simulate", trace("a", 3), trace("b", 3))).isEqualTo(2);
        assertThat(err()).contains("Traces of different models", "is of a", "of b");
    }

    @Test
    void aBudgetBelowOneVisitIsRefusedWithTheSmallest() throws Exception {
        assertThat(run("simulate", trace("a", 3), "--budget", "1KiB")).isEqualTo(2);
        assertThat(err())
                .contains(
                        "A budget of 1.0 KiB holds 1 experts; one token needs 2 of a layer at"
                                + " once, 2.0 KiB");
    }

    @Test
    void aFileThatIsNoTraceIsNamed() throws Exception {
        Path file = folder.resolve("no.trace");
        Files.writeString(file, "hello, I am no trace at all, but I am long enough to be read");
        assertThat(run("simulate", file.toString())).isEqualTo(1);
        assertThat(err()).contains("no.trace");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "--policy    | random | Not a cache policy: \"random\"; write one of tinylfu",
                "--budget    | much   | Not a budget: \"much\"",
                "--split     | none   | not a split: \"none\"; write shared, layers or both",
                "--predictor | oracle | Not a predictor: \"oracle\"; write one of none, recorded",
                "--bandwidth | fast   | not a bandwidth: \"fast\"; write bytes a second",
                "--bandwidth | 0      | not a bandwidth: \"0\"; write bytes a second",
                "--latency   | 3      | not a time: \"3\"; write a number and ns, us, ms or s"
            })
    void badOptionsSayWhatIsAccepted(String option, String value, String message) throws Exception {
        assertThat(run("simulate", trace("a", 3), option, value)).isEqualTo(2);
        assertThat(err().replaceAll("\\s+", " ")).contains(message);
    }

    @Test
    void checkTakesOnePolicyAndNoTraces() throws Exception {
        assertThat(run("simulate", "--check", "m.gguf", "--policy", "lru,lfu")).isEqualTo(2);
        assertThat(err()).contains("--check takes one --policy and no traces");
        assertThat(run("simulate", trace("a", 3), "--check", "m.gguf")).isEqualTo(2);
    }

    @Test
    void withoutTraceOrModelThereIsNothingToDo() {
        assertThat(run("simulate")).isEqualTo(2);
        assertThat(err()).contains("Name at least one trace, or a model with --check");
    }

    /** Two layers of 8 experts, 2 for each token. */
    private String trace(String model, int tokens) throws IOException {
        Path file = folder.resolve(model + ".trace");
        if (Files.exists(file)) {
            return file.toString();
        }
        TraceHeader header =
                new TraceHeader(
                        model,
                        "of " + model,
                        8,
                        2,
                        2,
                        0,
                        true,
                        1024,
                        new long[] {1024, 1000},
                        Set.of());
        Random random = new Random(7);
        try (RoutingTraceWriter writer = RoutingTraceWriter.create(file, header, 1 << 20)) {
            for (int token = 0; token < tokens; token++) {
                List<LayerRouting> layers = new ArrayList<>();
                for (int layer = 0; layer < 2; layer++) {
                    layers.add(LayerRouting.of(random.ints(0, 8).distinct().limit(2).toArray()));
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
        return file.toString();
    }

    private String err() {
        return err.toString();
    }

    private int run(String... arguments) {
        CommandLine commandLine = Greenroom.commandLine();
        commandLine.setOut(new PrintWriter(out, true));
        commandLine.setErr(new PrintWriter(err, true));
        return commandLine.execute(arguments);
    }
}
