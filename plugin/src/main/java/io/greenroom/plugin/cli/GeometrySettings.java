package io.greenroom.plugin.cli;

import io.greenroom.offload.store.ModelSpec.Family;
import io.greenroom.offload.synthetic.Geometry;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;
import picocli.CommandLine.TypeConversionException;

/** Sizes of a synthetic model: those of a published one, a small one's, or any between. */
final class GeometrySettings {

    /** Where the sizes begin that are not given one by one. */
    enum Preset {
        OLMOE,
        QWEN3_30B_A3B,
        CUSTOM;

        String spelled() {
            return name().toLowerCase(Locale.ROOT).replace('_', '-');
        }
    }

    @Option(
            names = "--geometry",
            required = true,
            paramLabel = "NAME",
            converter = PresetName.class,
            description =
                    "olmoe (OLMoE-1B-7B), qwen3-30b-a3b, or custom: a small model. Sizes given"
                            + " below replace its own.")
    private Preset preset = Preset.CUSTOM;

    @Option(
            names = "--family",
            paramLabel = "NAME",
            converter = FamilyName.class,
            description =
                    "Architecture of a custom geometry: olmoe, qwen2moe (with a shared expert),"
                            + " qwen3moe (default) or mixtral.")
    private @Nullable Family family;

    @Option(names = "--layers", paramLabel = "N", description = "Transformer layers.")
    private @Nullable Integer layers;

    @Option(names = "--hidden", paramLabel = "N", description = "Width of the residual stream.")
    private @Nullable Integer hidden;

    @Option(names = "--experts", paramLabel = "N", description = "Routed experts per layer.")
    private @Nullable Integer experts;

    @Option(names = "--top-k", paramLabel = "N", description = "Experts each token goes to.")
    private @Nullable Integer topK;

    @Option(names = "--expert-width", paramLabel = "N", description = "Inner width of an expert.")
    private @Nullable Integer expertWidth;

    @Option(
            names = "--shared-width",
            paramLabel = "N",
            description = "Inner width of the shared expert (qwen2moe).")
    private @Nullable Integer sharedWidth;

    @Option(names = "--heads", paramLabel = "N", description = "Query heads.")
    private @Nullable Integer heads;

    @Option(names = "--kv-heads", paramLabel = "N", description = "Key and value heads.")
    private @Nullable Integer kvHeads;

    @Option(names = "--head-dim", paramLabel = "N", description = "Width of a head.")
    private @Nullable Integer headDim;

    @Option(names = "--vocab", paramLabel = "N", description = "Tokens of the vocabulary.")
    private @Nullable Integer vocabulary;

    @Option(names = "--context", paramLabel = "N", description = "Longest context.")
    private @Nullable Integer context;

    /**
     * @throws IllegalArgumentException if a family is given for a published geometry
     */
    Geometry geometry() {
        if (family != null && preset != Preset.CUSTOM) {
            throw new IllegalArgumentException(
                    "--family is for --geometry custom; " + preset.spelled() + " has its own");
        }
        Geometry base =
                switch (preset) {
                    case OLMOE -> Geometry.OLMOE;
                    case QWEN3_30B_A3B -> Geometry.QWEN3_30B_A3B;
                    case CUSTOM -> Geometry.small(family == null ? Family.QWEN3_MOE : family);
                };
        return new Geometry(
                base.family(),
                or(layers, base.layers()),
                or(hidden, base.hidden()),
                or(experts, base.experts()),
                or(topK, base.expertsPerToken()),
                or(expertWidth, base.expertWidth()),
                or(sharedWidth, base.sharedWidth()),
                or(heads, base.heads()),
                or(kvHeads, base.kvHeads()),
                or(headDim, base.headDim()),
                or(vocabulary, base.vocabulary()),
                or(context, base.contextLength()));
    }

    private static int or(@Nullable Integer given, int otherwise) {
        return given == null ? otherwise : given;
    }

    /** The presets as they are typed. */
    static final class PresetName implements ITypeConverter<Preset> {

        @Override
        public Preset convert(String value) {
            for (Preset preset : Preset.values()) {
                if (preset.spelled().equalsIgnoreCase(value)) {
                    return preset;
                }
            }
            throw new TypeConversionException(
                    "'" + value + "' is none of olmoe, qwen3-30b-a3b, custom");
        }
    }

    /** The families as GGUF calls them. */
    static final class FamilyName implements ITypeConverter<Family> {

        private static final Map<String, Family> NAMES =
                new TreeMap<>(
                        Map.of(
                                "olmoe", Family.OLMOE,
                                "qwen2moe", Family.QWEN2_MOE,
                                "qwen3moe", Family.QWEN3_MOE,
                                "mixtral", Family.MIXTRAL));

        @Override
        public Family convert(String value) {
            Family family = NAMES.get(value.toLowerCase(Locale.ROOT));
            if (family == null) {
                throw new TypeConversionException(
                        "'" + value + "' is none of " + String.join(", ", NAMES.keySet()));
            }
            return family;
        }
    }
}
