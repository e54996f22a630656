package io.greenroom.plugin.cli;

import io.greenroom.plugin.host.ModelDefinition;
import java.io.IOException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/**
 * Options that say how a model is loaded. They become the same {@code option.} settings that a
 * serving.properties has, and are checked in the same place.
 */
final class ModelSettings {

    @Option(
            names = "--budget",
            paramLabel = "BUDGET",
            description =
                    "Memory for routed experts: a size (6GiB), a share of all experts (40%%) or"
                            + " auto.")
    private @Nullable String budget;

    @Option(
            names = "--prefetch",
            paramLabel = "auto|on|off",
            description = "Whether experts likely to be needed next are read ahead.")
    private @Nullable String prefetch;

    @Option(
            names = "--routing",
            paramLabel = "ROUTING",
            description =
                    "Which experts may run: exact, biased:N with N from 0 to 1, or resident. All but"
                            + " exact trade tokens for reads.")
    private @Nullable String routing;

    @Option(
            names = "--context-length",
            paramLabel = "TOKENS",
            description = "Longest prompt and answer together; their cache is reserved at load.")
    private @Nullable String contextLength;

    @Option(
            names = "--threads",
            paramLabel = "N",
            description = "Compute threads; the physical cores unless given.")
    private @Nullable String threads;

    @Option(
            names = "--low-bit",
            paramLabel = "FILE",
            description =
                    "Mixed precision: experts that are not in memory and matter little are replaced"
                            + " by low-bit copies from this file, or done without. Lossy; see"
                            + " greenroom pack.")
    private @Nullable Path lowBit;

    @Option(
            names = {"-o", "--option"},
            paramLabel = "KEY=VALUE",
            description = "Any other option of serving.properties, without its \"option.\".")
    private Map<String, String> others = new LinkedHashMap<>();

    /** The budgets asked for, if commas separate several; "auto" if none is. */
    List<String> budgets() {
        return list(budget, "auto");
    }

    /** The routings asked for, if commas separate several; "exact" if none is. */
    List<String> routings() {
        return list(routing, "exact");
    }

    private static List<String> list(@Nullable String text, String otherwise) {
        return text == null ? List.of(otherwise) : List.of(text.trim().split("\\s*,\\s*", -1));
    }

    /**
     * As {@link #definition(String, Path)}, with settings that win over all others.
     *
     * @param more by their names in serving.properties
     */
    ModelDefinition definition(String name, Path path, Map<String, String> more)
            throws IOException {
        return definition(name, path).withOptions(more);
    }

    /** The model at a path, with these settings over those of its serving.properties. */
    ModelDefinition definition(String name, Path path) throws IOException {
        try {
            return ModelDefinition.read(name, path).withOptions(asOptions());
        } catch (NoSuchFileException e) {
            throw new IOException("There is no model at " + path.toAbsolutePath(), e);
        }
    }

    /** The settings that were given, by their names in serving.properties. */
    private Map<String, String> asOptions() {
        Map<String, String> options = new LinkedHashMap<>(others);
        put(options, "expert_budget", budget);
        put(options, "prefetch", prefetch);
        put(options, "routing", routing);
        put(options, "context_length", contextLength);
        put(options, "threads", threads);
        put(options, "low_bit", lowBit == null ? null : lowBit.toAbsolutePath().toString());
        return options;
    }

    private static void put(Map<String, String> options, String key, @Nullable String value) {
        if (value != null) {
            options.put(key, value);
        }
    }
}
