package io.greenroom.plugin.config;

import io.greenroom.cache.ByteSize;
import io.greenroom.gating.precision.PrecisionRule;
import io.greenroom.gating.residency.RoutingDial;
import io.greenroom.offload.decoder.MixedPrecision;
import io.greenroom.offload.decoder.ModelOptions;
import io.greenroom.offload.decoder.RoutingSettings;
import io.greenroom.offload.decoder.SkippedWeight;
import io.greenroom.offload.decoder.TraceOptions;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What an operator set for one model.
 *
 * @param model the checkpoint's name within the model's folder; empty for the folder itself
 * @param options for the decoder
 */
public record ModelConfig(Path model, ModelOptions options) {

    private static final String PREFIX = "option.";

    /**
     * Options that the server, or a model meant for another engine of it, brings along. They say
     * nothing to this engine and are no mistake.
     */
    private static final Set<String> OF_THE_SERVER =
            Set.of(
                    "model_id",
                    "modelName",
                    "entryPoint",
                    "mpi_mode",
                    "tensor_parallel_degree",
                    "pipeline_parallel_degree",
                    "parallel_loading",
                    "enable_lora",
                    "enable_stateful_sessions",
                    "rolling_batch",
                    "max_rolling_batch_size",
                    "speculative_draft_model",
                    "async_mode",
                    "lmcache_auto_config",
                    "backend",
                    "hasParameter",
                    "epoch");

    /**
     * Reads the options DJL hands to a model.
     *
     * @param given by key, without the prefix "option."
     * @throws ConfigException listing every problem
     */
    public static ModelConfig read(@Nullable Map<String, ?> given) throws ConfigException {
        Map<String, String> values = new TreeMap<>();
        if (given != null) {
            given.forEach((key, value) -> values.put(key, String.valueOf(value)));
        }
        ConfigProblems problems = new ConfigProblems();
        Reader reader = new Reader(values, problems);
        ModelOptions options =
                ModelOptions.builder()
                        .budget(reader.value(ModelOptionKeys.EXPERT_BUDGET))
                        .budgetFloor(reader.value(ModelOptionKeys.BUDGET_FLOOR))
                        .budgetWeight(reader.value(ModelOptionKeys.BUDGET_WEIGHT))
                        .cachePolicy(reader.value(ModelOptionKeys.CACHE_POLICY))
                        .slotSplit(reader.value(ModelOptionKeys.CACHE_SPLIT))
                        .prefetch(reader.value(ModelOptionKeys.PREFETCH))
                        .contextLength(reader.value(ModelOptionKeys.CONTEXT_LENGTH))
                        .kvType(reader.value(ModelOptionKeys.KV_TYPE))
                        .activations(reader.value(ModelOptionKeys.ACTIVATIONS))
                        .maxConcurrent(reader.value(ModelOptionKeys.MAX_CONCURRENT))
                        .maxQueued(reader.value(ModelOptionKeys.MAX_QUEUED))
                        .prefillChunk(reader.value(ModelOptionKeys.PREFILL_CHUNK))
                        .threads(reader.value(ModelOptionKeys.THREADS))
                        .routing(routing(reader, problems))
                        .overlap(reader.value(ModelOptionKeys.OVERLAP))
                        .linkLimit(reader.value(ModelOptionKeys.LINK_LIMIT))
                        .directIo(reader.value(ModelOptionKeys.DIRECT_IO))
                        .trace(trace(reader))
                        .mixedPrecision(mixedPrecision(reader, problems))
                        .build();
        Path model = model(reader.value(ModelOptionKeys.MODEL), problems);
        values.forEach((key, value) -> checkKnown(key, value, problems));
        problems.throwIfAny();
        return new ModelConfig(model, options);
    }

    private static RoutingSettings routing(Reader reader, ConfigProblems problems) {
        RoutingDial standard = reader.value(ModelOptionKeys.ROUTING);
        RoutingDial limit = reader.value(ModelOptionKeys.ROUTING_LIMIT).orElse(standard);
        if (standard.compareTo(limit) > 0) {
            problems.refused(
                    PREFIX + ModelOptionKeys.ROUTING_LIMIT.name(),
                    limit.toString(),
                    "requests that ask for nothing get "
                            + standard
                            + ", which goes further; write "
                            + standard
                            + " or further, or set "
                            + PREFIX
                            + ModelOptionKeys.ROUTING.name()
                            + " to "
                            + limit);
            limit = standard;
        }
        return new RoutingSettings(
                standard,
                limit,
                reader.value(ModelOptionKeys.ROUTING_PROMPTS),
                reader.value(ModelOptionKeys.ROUTING_SWAPS));
    }

    private static @Nullable TraceOptions trace(Reader reader) {
        String file = reader.value(ModelOptionKeys.TRACE);
        ByteSize limit = reader.value(ModelOptionKeys.TRACE_LIMIT);
        int top = reader.value(ModelOptionKeys.TRACE_TOP);
        return file.isEmpty() ? null : new TraceOptions(Path.of(file), limit, top);
    }

    private static @Nullable MixedPrecision mixedPrecision(Reader reader, ConfigProblems problems) {
        String file = reader.value(ModelOptionKeys.LOW_BIT);
        double share = reader.value(ModelOptionKeys.LOW_BIT_SHARE);
        double full = reader.value(ModelOptionKeys.LOW_BIT_FULL_UP_TO);
        double copy = reader.value(ModelOptionKeys.LOW_BIT_SKIP_ABOVE);
        SkippedWeight skipped = reader.value(ModelOptionKeys.LOW_BIT_SKIPPED);
        if (full > copy) {
            problems.refused(
                    PREFIX + ModelOptionKeys.LOW_BIT_SKIP_ABOVE.name(),
                    Double.toString(copy),
                    "it is below "
                            + PREFIX
                            + ModelOptionKeys.LOW_BIT_FULL_UP_TO.name()
                            + ", which is "
                            + full
                            + "; write "
                            + full
                            + " to 1");
            return null;
        }
        return file.isEmpty()
                ? null
                : new MixedPrecision(Path.of(file), share, new PrecisionRule(full, copy), skipped);
    }

    /** A name that stays inside the folder: options may come from whoever may register models. */
    private static Path model(String name, ConfigProblems problems) {
        try {
            Path path = Path.of(name).normalize();
            if (!path.isAbsolute() && !path.startsWith("..")) {
                return path;
            }
        } catch (InvalidPathException e) {
            problems.refused(PREFIX + "model", name, "not a file name: " + e.getReason());
            return Path.of("");
        }
        problems.refused(
                PREFIX + "model", name, "write the name of a file or folder in the model's folder");
        return Path.of("");
    }

    private static void checkKnown(String key, String value, ConfigProblems problems) {
        boolean known =
                OF_THE_SERVER.contains(key)
                        || ModelOptionKeys.ALL.stream().anyMatch(own -> own.name().equals(key));
        if (!known) {
            problems.unknown(PREFIX + key, value, advice(key));
        }
    }

    private static String advice(String key) {
        Map<String, Integer> distances = new LinkedHashMap<>();
        for (OptionKey<?> own : ModelOptionKeys.ALL) {
            distances.put(own.name(), EditDistance.between(key, own.name()));
        }
        return distances.entrySet().stream()
                .min(Map.Entry.comparingByValue())
                .filter(nearest -> nearest.getValue() <= Math.max(2, key.length() / 3))
                .map(nearest -> "did you mean " + PREFIX + nearest.getKey() + "?")
                .orElse("the options are " + String.join(", ", distances.keySet()));
    }

    private record Reader(Map<String, String> values, ConfigProblems problems) {

        <T> T value(OptionKey<T> key) {
            String text = values.get(key.name());
            if (text == null) {
                return key.unsetValue();
            }
            try {
                return key.parser().apply(text);
            } catch (IllegalArgumentException e) {
                problems.refused(PREFIX + key.name(), text, String.valueOf(e.getMessage()));
                return key.unsetValue();
            }
        }
    }
}
