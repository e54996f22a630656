package io.greenroom.plugin.cli;

import io.greenroom.plugin.host.LocalModel;
import io.greenroom.plugin.host.ModelDefinition;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Which model a command works with, and loads it. */
final class ModelChoice {

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

    /**
     * Loads it in this process.
     *
     * @param options by their names in serving.properties; they win over all others
     * @param err where progress goes
     */
    LocalModel load(ModelSettings settings, Map<String, String> options, PrintWriter err)
            throws IOException {
        ModelDefinition definition = definition(settings, options);
        return LoadProgress.during(
                "Loading " + definition.name(), err, () -> LocalModel.load(definition));
    }

    /** The model and how it is to be loaded; options as for {@link #load}. */
    ModelDefinition definition(ModelSettings settings, Map<String, String> options)
            throws IOException {
        Path path = model == null ? DemoCommand.demoModel(home) : model;
        return settings.definition(ModelDefinition.nameOf(path), path, options);
    }
}
