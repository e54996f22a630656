package io.greenroom.plugin.cli;

import io.greenroom.plugin.host.ModelDefinition;
import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Options that all comparisons share. */
final class BenchSettings {

    @Option(
            names = {"-m", "--model"},
            paramLabel = "PATH",
            description = "A GGUF file or a checkpoint's folder; the demo model unless given.")
    private @Nullable Path model;

    @Option(
            names = "--home",
            paramLabel = "DIR",
            defaultValue = "${sys:greenroom.home:-.}",
            description = "Where Greenroom's sources lie (set by the launcher).")
    private Path home = Path.of(".");

    @Option(
            names = "--tokens",
            defaultValue = "128",
            paramLabel = "N",
            description = "Tokens to generate in each run (default: ${DEFAULT-VALUE}).")
    private int tokens = 128;

    @Option(
            names = "--prompt-tokens",
            defaultValue = "32",
            paramLabel = "N",
            description = "Length of the prompt (default: ${DEFAULT-VALUE}).")
    private int promptTokens = 32;

    @Option(
            names = "--prompt",
            paramLabel = "TEXT",
            description = "The prompt; random tokens of the seed unless given.")
    private @Nullable String prompt;

    @Option(
            names = "--seed",
            defaultValue = "1",
            paramLabel = "N",
            description = "Of prompt and sampling, at temperature 1 (default: ${DEFAULT-VALUE}).")
    private long seed = 1;

    @Option(
            names = "--repeat",
            defaultValue = "3",
            paramLabel = "N",
            description = "Rounds, in each of which every way runs once (default: 3).")
    private int repeat = 3;

    @Option(
            names = "--no-preread",
            description =
                    "Do not read the checkpoint once before the first run. It is read because a"
                            + " disk may be much slower with a file it has not seen lately.")
    private boolean noPreread;

    @Option(
            names = "--threads",
            paramLabel = "N",
            description = "Compute threads; the physical cores unless given.")
    private @Nullable String threads;

    @Option(
            names = {"-o", "--option"},
            paramLabel = "KEY=VALUE",
            description =
                    "Any option of serving.properties, without its \"option.\", for all runs.")
    private Map<String, String> others = new LinkedHashMap<>();

    @Option(names = "--json", description = "Print the figures as one JSON object.")
    private boolean json;

    int repeat() {
        return repeat;
    }

    boolean preread() {
        return !noPreread;
    }

    boolean json() {
        return json;
    }

    /** What every run generates. */
    BenchRun.Work work() {
        if (tokens < 2 || promptTokens < 1 || repeat < 1) {
            throw new IllegalArgumentException(
                    "--tokens must be at least 2, --prompt-tokens and --repeat at least 1; got "
                            + tokens
                            + ", "
                            + promptTokens
                            + " and "
                            + repeat);
        }
        return new BenchRun.Work(prompt, promptTokens, tokens, seed);
    }

    /** The model with the options of one way to run it. */
    ModelDefinition definition(Map<String, String> way) throws IOException {
        Path path = path();
        Map<String, String> options = new LinkedHashMap<>();
        options.put("max_concurrent", "1");
        options.put("context_length", Integer.toString(contextLength()));
        if (threads != null) {
            options.put("threads", threads);
        }
        options.putAll(others);
        options.putAll(way);
        try {
            return ModelDefinition.read(ModelDefinition.nameOf(path), path).withOptions(options);
        } catch (NoSuchFileException e) {
            throw new IOException("There is no model at " + path.toAbsolutePath(), e);
        }
    }

    Path path() throws IOException {
        return model == null ? DemoCommand.demoModel(home) : model;
    }

    private int contextLength() {
        int prompted = prompt == null ? promptTokens : Math.max(1, prompt.length());
        return Math.max(64, prompted + tokens + 1);
    }
}
