package io.greenroom.plugin.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import io.greenroom.cache.trace.RoutingTrace;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** The commands that look at traces, on those of the demo model; and what is refused. */
class TraceCommandTest {

    private static final Path TRACES = Path.of("..", "integration-tests", "traces");
    private static final Path SESSION = TRACES.resolve("session-heldout.trace");

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    @TempDir private Path folder;

    @Test
    void infoSaysWhatATraceIsOf() {
        assertThat(run("trace", "info", SESSION.toString())).isZero();
        assertThat(out.toString())
                .contains(
                        ", complete",
                        "model       greenroom-demo-q8_0 (",
                        "8 of 8 layers route to 4 of 32 experts of 76.5 KiB; the 8 most probable",
                        "requests    9, at most 1 in a step; 0 steps were left out",
                        "layer  entropy  repeated    steps  similarity");
    }

    @Test
    void everyCommittedTraceIsCompleteAndOfTheDemoModel() throws IOException {
        List<Path> traces;
        try (Stream<Path> files = Files.list(TRACES)) {
            traces = files.filter(file -> file.toString().endsWith(".trace")).sorted().toList();
        }
        assertThat(traces).hasSizeGreaterThanOrEqualTo(15);
        String fingerprint = RoutingTrace.read(SESSION).header().fingerprint();
        for (Path trace : traces) {
            out.getBuffer().setLength(0);
            assertThat(run("trace", "info", "--json", trace.toString())).isZero();
            JsonObject info = JsonParser.parseString(out.toString()).getAsJsonObject();
            assertThat(info.get("state").getAsString()).as("%s", trace).isEqualTo("complete");
            assertThat(info.get("fingerprint").getAsString()).isEqualTo(fingerprint);
            assertThat(info.get("dropped_steps").getAsLong()).isZero();
            assertThat(info.getAsJsonObject("part_bytes").get("predictions").getAsLong())
                    .isPositive();
        }
    }

    @Test
    void csvHasALineForEachRowAndLayer() {
        assertThat(run("trace", "csv", SESSION.toString())).isZero();
        List<String> lines = out.toString().lines().toList();
        long rows = RoutingTrace.read(SESSION).rows();
        assertThat(lines).hasSize((int) (1 + rows * 8));
        assertThat(lines.get(0)).startsWith("step,row,request,phase,begins,ends,layer,norm,");
        assertThat(lines).allMatch(line -> line.chars().filter(c -> c == ',').count() == 32);
    }

    @Test
    void aCutTraceIsReadAndSaysSo() throws IOException {
        byte[] whole = Files.readAllBytes(SESSION);
        Path cut = Files.write(folder.resolve("cut"), Arrays.copyOf(whole, whole.length - 40));
        assertThat(run("trace", "info", cut.toString())).isZero();
        assertThat(out.toString())
                .contains("not complete: the file ends at byte " + (whole.length - 40));
    }

    @Test
    void whatIsRefused() throws IOException {
        Path text = Files.writeString(folder.resolve("text"), "no trace");
        assertThat(run("trace", "info", text.toString())).isEqualTo(1);
        assertThat(err.toString())
                .isEqualToIgnoringNewLines(
                        "greenroom: Trace "
                                + text
                                + ": has 8 bytes, fewer than the 16 every trace begins with");
        assertThat(run("trace")).isEqualTo(2);
        assertThat(run("trace", "record", "--out", folder + "/new")).isEqualTo(2);
        assertThat(err.toString())
                .contains("Nothing to record: name texts with --text, or --prompts");
        assertThat(run("trace", "record", "--out", text.toString(), "--text", "x")).isEqualTo(1);
        assertThat(err.toString()).contains(text + " exists already; a trace overwrites nothing");
        assertThat(run("perplexity", "--text", "x", "--routing", "exact,all")).isEqualTo(2);
        assertThat(err.toString()).contains("Invalid value for --routing: write exact, biased:");
        assertThat(run("perplexity", "--text", "x", "--window", "8", "--stride", "9")).isEqualTo(2);
        assertThat(err.toString()).contains("Windows of 8 tokens every 9");
    }

    private int run(String... arguments) {
        CommandLine commandLine = Greenroom.commandLine();
        commandLine.setOut(new PrintWriter(out, true));
        commandLine.setErr(new PrintWriter(err, true));
        return commandLine.execute(arguments);
    }
}
