package io.greenroom.plugin.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** Packing as a user asks for it; the format is LowBitFileTest's. */
class PackCommandTest {

    private static final String DEMO = "../integration-tests/demo-model/greenroom-demo-q8_0.gguf";

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    @TempDir Path folder;

    @Test
    void theErrorOfEachLayerIsToldAndTheFileIsThere() throws IOException {
        Path file = folder.resolve("demo.lowbit");
        assertThat(run("pack", "--low-bit", "q2_g32", "--out", file.toString(), DEMO))
                .as(err.toString())
                .isZero();
        assertThat(out.toString())
                .contains("layer 0: error of gate 32.", "layer 7: error of gate 32.")
                .contains(file + ": 6.0 MiB, 25 % of the experts' 24.0 MiB, in ");
        assertThat(file).isRegularFile();
    }

    @Test
    void scriptsReadJson() throws IOException {
        Path file = folder.resolve("demo.lowbit");
        assertThat(run("pack", "--json", "--low-bit", "Q4_0", "--out", file.toString(), DEMO))
                .as(err.toString())
                .isZero();
        JsonObject json = JsonParser.parseString(out.toString()).getAsJsonObject();
        assertThat(json.get("type").getAsString()).isEqualTo("q4_0");
        assertThat(json.get("bytes").getAsLong()).isEqualTo(Files.size(file));
        assertThat(json.getAsJsonArray("layers")).hasSize(8);
        JsonObject layer = json.getAsJsonArray("layers").get(3).getAsJsonObject();
        assertThat(layer.get("layer").getAsInt()).isEqualTo(3);
        assertThat(layer.get("down_error").getAsDouble()).isBetween(0.07, 0.09);
    }

    @Test
    void mistakesAreSaidInALine() throws IOException {
        Path file = Files.writeString(folder.resolve("there"), "precious");
        assertThat(run("pack", "--low-bit", "q4_0", "--out", file.toString(), DEMO)).isEqualTo(1);
        assertThat(err.toString()).contains("there: is there already; remove it first");
        assertThat(file).hasContent("precious");
        assertThat(run("pack", "--low-bit", "q3", "--out", file.toString(), DEMO))
                .isEqualTo(CommandLine.ExitCode.USAGE);
        assertThat(err.toString()).contains("'q3' is neither q4_0 nor q2_g32");
        assertThat(run("pack", "--low-bit", "q4_0", "--out", "x", "absent.gguf")).isEqualTo(1);
        assertThat(err.toString()).contains("absent.gguf: no such file or folder");
    }

    @Test
    void everyOptionIsExplained() {
        assertThat(run("pack", "--help")).isZero();
        assertThat(out.toString())
                .contains("Usage: greenroom pack", "MODEL", "--low-bit=TYPE", "2.5 bits");
    }

    private int run(String... arguments) {
        return Greenroom.commandLine()
                .setOut(new PrintWriter(out, true))
                .setErr(new PrintWriter(err, true))
                .execute(arguments);
    }
}
