package io.greenroom.offload.store;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonPrimitive;
import io.greenroom.offload.store.ModelSpec.Family;
import io.greenroom.offload.store.ModelSpec.RopeLayout;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;

/**
 * What config.json of a Transformers checkpoint says about the model; absent keys have the value
 * that Transformers' configuration class gives them.
 */
final class HuggingFaceModel {

    private final JsonFields config;
    private final Problems problems;

    private HuggingFaceModel(JsonFields config, Problems problems) {
        this.config = config;
        this.problems = problems;
    }

    /** The hyper-parameters, and what must hold for the tensors beside them. */
    record Description(ModelSpec spec, boolean tied, boolean qkvBias) {}

    static Description read(Path file) throws CheckpointException {
        Problems problems = new Problems(file);
        JsonFields config = new JsonFields(StrictJson.readObject(file, 16 << 20), problems);
        Description description = new HuggingFaceModel(config, problems).describe(file);
        problems.throwIfAny();
        SpecLimits.checkTogether(description.spec(), problems);
        problems.throwIfAny();
        return description;
    }

    private Description describe(Path file) throws CheckpointException {
        Family family = family(file);
        int layers = config.requiredInteger("num_hidden_layers", 1, SpecLimits.LAYERS);
        int hidden = config.requiredInteger("hidden_size", 1, SpecLimits.WIDTH);
        int heads = config.requiredInteger("num_attention_heads", 1, SpecLimits.HEADS);
        int context = config.requiredInteger("max_position_embeddings", 1, SpecLimits.CONTEXT);
        int intermediate = config.requiredInteger("intermediate_size", 1, SpecLimits.WIDTH);
        boolean qwen = family == Family.QWEN2_MOE || family == Family.QWEN3_MOE;
        refuseUnsupported(family, context);
        boolean[] moeLayers = moeLayers(layers, qwen);
        boolean anyDense = false;
        for (boolean moe : moeLayers) {
            anyDense |= !moe;
        }
        double epsilon = config.number("rms_norm_eps", 0, 1).orElse(qwen ? 1e-6 : 1e-5);
        double clip =
                family == Family.OLMOE
                        ? config.number("clip_qkv", 0, Float.MAX_VALUE)
                                .orElse(Double.POSITIVE_INFINITY)
                        : Double.POSITIVE_INFINITY;
        ModelSpec spec =
                new ModelSpec(
                        family,
                        layers,
                        hidden,
                        config.requiredInteger("vocab_size", 1, SpecLimits.VOCABULARY),
                        heads,
                        config.integer("num_key_value_heads", 1, SpecLimits.HEADS).orElse(heads),
                        headDim(hidden, heads),
                        context,
                        (float) epsilon,
                        ropeTheta(family),
                        RopeLayout.HALVES,
                        (float) clip,
                        experts(),
                        config.requiredInteger("num_experts_per_tok", 1, SpecLimits.EXPERTS),
                        qwen
                                ? config.requiredInteger(
                                        "moe_intermediate_size", 1, SpecLimits.WIDTH)
                                : intermediate,
                        family == Family.MIXTRAL || config.bool("norm_topk_prob", false),
                        family == Family.QWEN2_MOE
                                ? config.requiredInteger(
                                        "shared_expert_intermediate_size", 1, SpecLimits.WIDTH)
                                : 0,
                        moeLayers,
                        anyDense ? intermediate : 0);
        boolean qkvBias = family == Family.QWEN2_MOE && config.bool("qkv_bias", true);
        return new Description(spec, config.bool("tie_word_embeddings", false), qkvBias);
    }

    private Family family(Path file) throws CheckpointException {
        String type = config.string("model_type").orElse("missing");
        problems.throwIfAny();
        return switch (type) {
            case "olmoe" -> Family.OLMOE;
            case "qwen3_moe" -> Family.QWEN3_MOE;
            case "qwen2_moe" -> Family.QWEN2_MOE;
            case "mixtral" -> Family.MIXTRAL;
            default ->
                    throw new CheckpointException(
                            file,
                            "\"model_type\" is "
                                    + Untrusted.shown(type)
                                    + "; supported are olmoe, qwen2_moe, qwen3_moe and mixtral");
        };
    }

    /** The name differs between families and between versions of Transformers. */
    private int experts() {
        OptionalInt experts = config.integer("num_experts", 1, SpecLimits.EXPERTS);
        if (experts.isPresent() || !config.has("num_local_experts")) {
            return experts.orElseGet(
                    () -> config.requiredInteger("num_experts", 1, SpecLimits.EXPERTS));
        }
        return config.requiredInteger("num_local_experts", 1, SpecLimits.EXPERTS);
    }

    private int headDim(int hidden, int heads) {
        OptionalInt own = config.integer("head_dim", 1, SpecLimits.HEAD_DIM);
        if (own.isEmpty() && hidden % heads != 0) {
            problems.add(
                    "\"head_dim\" is missing, and \"hidden_size\" "
                            + hidden
                            + " does not divide into "
                            + heads
                            + " heads");
        }
        return own.orElse(Math.max(1, Math.min(hidden / heads, SpecLimits.HEAD_DIM)));
    }

    /** Newer Transformers write "rope_parameters", older ones "rope_theta" and "rope_scaling". */
    private double ropeTheta(Family family) {
        double theta =
                config.number("rope_theta", 0, SpecLimits.ROPE_THETA)
                        .orElse(family == Family.MIXTRAL ? 1_000_000 : 10_000);
        for (String key : List.of("rope_scaling", "rope_parameters")) {
            Optional<JsonFields> rope = config.object(key);
            if (rope.isEmpty()) {
                continue;
            }
            theta = rope.get().number("rope_theta", 0, SpecLimits.ROPE_THETA).orElse(theta);
            String type =
                    rope.get()
                            .string("rope_type")
                            .orElseGet(() -> rope.get().string("type").orElse("default"));
            if (!type.equals("default")) {
                problems.add(
                        "\""
                                + key
                                + ".rope_type\" is \""
                                + Untrusted.shown(type)
                                + "\"; supported is only \"default\"");
            }
            requireWholeHead(rope.get());
        }
        requireWholeHead(config);
        return theta;
    }

    private void requireWholeHead(JsonFields fields) {
        double share = fields.number("partial_rotary_factor", 0, 1).orElse(1);
        if (share != 1) {
            problems.add(
                    "\"partial_rotary_factor\" is "
                            + share
                            + "; supported is only 1, rotation of the whole head");
        }
    }

    private void refuseUnsupported(Family family, int context) {
        String activation = config.string("hidden_act").orElse("silu");
        if (!activation.equals("silu")) {
            problems.add(
                    "\"hidden_act\" is \""
                            + Untrusted.shown(activation)
                            + "\"; supported is only \"silu\"");
        }
        if (config.bool("attention_bias", false)) {
            problems.add(
                    "\"attention_bias\" is true; supported is false, with the biases of qwen2_moe"
                            + " under \"qkv_bias\"");
        }
        JsonElement quantization = config.get("quantization_config");
        if (quantization != null) {
            config.wrong(
                    "quantization_config",
                    quantization,
                    "none; supported are unquantised BF16, F16 and F32 weights here, and quantised"
                            + " ones as GGUF");
        }
        if (config.get("layer_types") instanceof JsonArray types) {
            for (JsonElement type : types) {
                if (!type.equals(new JsonPrimitive("full_attention"))) {
                    config.wrong("layer_types", types, "\"full_attention\" everywhere");
                    break;
                }
            }
        }
        boolean sliding =
                family == Family.MIXTRAL
                        || (family != Family.OLMOE && config.bool("use_sliding_window", false));
        int window = config.integer("sliding_window", 0, SpecLimits.CONTEXT).orElse(0);
        if (sliding && window > 0 && window < context) {
            problems.add(
                    "\"sliding_window\" is "
                            + window
                            + ", less than \"max_position_embeddings\" "
                            + context
                            + "; sliding-window attention is not supported");
        }
    }

    private boolean[] moeLayers(int layers, boolean qwen) {
        boolean[] moe = new boolean[layers];
        int step = qwen ? config.integer("decoder_sparse_step", 1, 1 << 16).orElse(1) : 1;
        Set<Integer> dense =
                new HashSet<>(
                        qwen
                                ? config.integers("mlp_only_layers", 0, SpecLimits.LAYERS)
                                : List.of());
        boolean any = false;
        for (int layer = 0; layer < layers; layer++) {
            moe[layer] = !dense.contains(layer) && (layer + 1) % step == 0;
            any |= moe[layer];
        }
        if (!any) {
            problems.add(
                    "\"mlp_only_layers\" and \"decoder_sparse_step\" leave no layer with experts;"
                            + " not a Mixture-of-Experts model");
        }
        return moe;
    }
}
