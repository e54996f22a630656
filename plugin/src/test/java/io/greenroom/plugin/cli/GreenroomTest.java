package io.greenroom.plugin.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.greenroom.plugin.host.ModelDefinition;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

class GreenroomTest {

    private final StringWriter out = new StringWriter();
    private final StringWriter err = new StringWriter();

    @TempDir Path folder;

    @Test
    void versionIsThatOfTheBuild() {
        assertThat(run("--version")).isZero();
        assertThat(out.toString()).matches("greenroom \\d+\\.\\d+.*\\R");
    }

    @ParameterizedTest
    @ValueSource(strings = {"demo", "serve", "generate", "plan", "perplexity"})
    void everyCommandExplainsAllItsOptions(String command) {
        assertThat(run(command, "--help")).isZero();
        assertThat(out.toString()).contains("Usage: greenroom " + command, "--budget", "--verbose");
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
    void withoutACommandTheUsageIsShown() {
        assertThat(run()).isEqualTo(CommandLine.ExitCode.USAGE);
        assertThat(err.toString()).contains("Missing required subcommand", "demo", "serve");
    }

    @Test
    void serveWithoutModelsSaysHowToNameOne() {
        assertThat(run("serve")).isEqualTo(CommandLine.ExitCode.USAGE);
        assertThat(err.toString()).contains("Nothing to serve: give --model PATH");
    }

    @Test
    void aMissingModelIsNamed() {
        assertThat(run("serve", "--model", folder.resolve("absent.gguf").toString())).isEqualTo(1);
        assertThat(err.toString()).contains("There is no model at", "absent.gguf");
    }

    @Test
    void twoModelsOfOneNameAreRefused() throws Exception {
        Path model = Files.createFile(folder.resolve("a.gguf"));
        int code = run("serve", "--model", model.toString(), "--model", model.toString());

        assertThat(code).isEqualTo(CommandLine.ExitCode.USAGE);
        assertThat(err.toString()).contains("Two models are named a", "another --name");
    }

    @Test
    void theDemoWithoutItsModelSaysWhereItLooked() {
        assertThat(run("demo", "--home", folder.toString())).isEqualTo(1);
        assertThat(err.toString())
                .contains("There is no demo model", "integration-tests/demo-model", "--home");
    }

    @Test
    void generateWantsAPrompt() {
        assertThat(run("generate")).isEqualTo(CommandLine.ExitCode.USAGE);
        assertThat(err.toString()).contains("Missing required option: '--prompt=TEXT'");
    }

    @Test
    void aPortThatIsNoneIsRefused() throws Exception {
        Path model = Files.createFile(folder.resolve("a.gguf"));

        assertThat(run("serve", "--model", model.toString(), "--port", "70000")).isEqualTo(1);
        assertThat(err.toString()).contains("port is 70000, expected 0 to 65535");
    }

    @Test
    void aStoreIsSearchedForModels() throws Exception {
        Files.createFile(folder.resolve("single.gguf"));
        Files.createFile(folder.resolve("big-00001-of-00002.gguf"));
        Files.createFile(folder.resolve("big-00002-of-00002.gguf"));
        Files.createFile(folder.resolve("notes.txt"));
        Files.createFile(Files.createDirectory(folder.resolve("hf")).resolve("config.json"));
        Files.createDirectory(folder.resolve("empty"));

        assertThat(ServeCommand.stored(folder))
                .extracting(ModelDefinition::name)
                .isEqualTo(List.of("big-00001-of-00002", "hf", "single"));
    }

    @Test
    void anEmptyStoreIsAnError() {
        assertThat(run("serve", "--model-store", folder.toString())).isEqualTo(1);
        assertThat(err.toString()).contains("holds no model");
    }

    private int run(String... arguments) {
        return Greenroom.commandLine()
                .setOut(new PrintWriter(out, true))
                .setErr(new PrintWriter(err, true))
                .execute(arguments);
    }
}
