package io.greenroom.offload.store;

import io.greenroom.offload.store.ModelSpec.Family;
import io.greenroom.offload.store.ModelSpec.RopeLayout;
import io.greenroom.offload.store.TokenizerFiles.GgufVocabulary;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What a GGUF file's metadata says about the model, under the names llama.cpp gives it ({@code
 * ARCH.block_count} and so on) and by llama.cpp's rules where the file is silent.
 */
final class GgufModel {

    /** Texts that end a turn in published vocabularies; llama.cpp looks for the same. */
    private static final Set<String> END_TEXTS =
            Set.of(
                    "<|endoftext|>",
                    "<|end_of_text|>",
                    "<|im_end|>",
                    "<|eot_id|>",
                    "<|eom_id|>",
                    "<|end|>",
                    "<end_of_turn>",
                    "<EOT>");

    private static final int CONTROL_TOKEN = 3;

    private final GgufMetadata metadata;
    private final Problems problems;

    private GgufModel(GgufMetadata metadata, Problems problems) {
        this.metadata = metadata;
        this.problems = problems;
    }

    /**
     * Reads the hyper-parameters.
     *
     * @param embedding the embedding table, whose rows are the vocabulary; null if missing
     */
    static ModelSpec spec(Path file, GgufMetadata metadata, @Nullable StoredTensor embedding)
            throws CheckpointException {
        Problems problems = new Problems(file);
        ModelSpec spec = new GgufModel(metadata, problems).spec(file, embedding);
        problems.throwIfAny();
        SpecLimits.checkTogether(spec, problems);
        problems.throwIfAny();
        return spec;
    }

    private ModelSpec spec(Path file, @Nullable StoredTensor embedding) throws CheckpointException {
        String arch = metadata.string("general.architecture", problems).orElse("missing");
        problems.throwIfAny();
        Family family =
                switch (arch) {
                    case "olmoe" -> Family.OLMOE;
                    case "qwen3moe" -> Family.QWEN3_MOE;
                    case "qwen2moe" -> Family.QWEN2_MOE;
                    case "llama" -> Family.MIXTRAL;
                    default ->
                            throw new CheckpointException(
                                    file,
                                    "general.architecture is "
                                            + Untrusted.shown(arch)
                                            + "; supported are olmoe, qwen2moe, qwen3moe and"
                                            + " llama with experts (Mixtral)");
                };
        String p = arch + ".";
        if (family == Family.MIXTRAL
                && metadata.integer(p + "expert_count", 0, SpecLimits.EXPERTS, problems).orElse(0)
                        == 0) {
            throw new CheckpointException(
                    file,
                    "not a Mixture-of-Experts model: general.architecture is llama and"
                            + " llama.expert_count is "
                            + (metadata.has(p + "expert_count") ? "0" : "missing"));
        }
        int layers = metadata.requiredInteger(p + "block_count", 1, SpecLimits.LAYERS, problems);
        int hidden =
                metadata.requiredInteger(p + "embedding_length", 1, SpecLimits.WIDTH, problems);
        int context =
                metadata.requiredInteger(p + "context_length", 1, SpecLimits.CONTEXT, problems);
        int heads =
                metadata.requiredInteger(p + "attention.head_count", 1, SpecLimits.HEADS, problems);
        int kvHeads =
                metadata.integer(p + "attention.head_count_kv", 1, SpecLimits.HEADS, problems)
                        .orElse(heads);
        int experts = metadata.requiredInteger(p + "expert_count", 1, SpecLimits.EXPERTS, problems);
        int expertsPerToken =
                metadata.requiredInteger(p + "expert_used_count", 1, SpecLimits.EXPERTS, problems);
        double epsilon =
                metadata.number(p + "attention.layer_norm_rms_epsilon", 0, 1, problems)
                        .orElseGet(
                                () -> {
                                    problems.add(
                                            "metadata key "
                                                    + p
                                                    + "attention.layer_norm_rms_epsilon is missing;"
                                                    + " expected a number above 0");
                                    return 1;
                                });
        double theta =
                metadata.number(p + "rope.freq_base", 0, SpecLimits.ROPE_THETA, problems)
                        .orElse(10_000);
        double clip =
                metadata.number(p + "attention.clamp_kqv", -1, Float.MAX_VALUE, problems).orElse(0);

        boolean[] moeLayers = new boolean[layers];
        Arrays.fill(moeLayers, true);
        return new ModelSpec(
                family,
                layers,
                hidden,
                vocabulary(embedding),
                heads,
                kvHeads,
                headDim(p, hidden, heads),
                checkedContext(p, context),
                (float) epsilon,
                checkedRope(p, theta),
                family == Family.MIXTRAL ? RopeLayout.ADJACENT : RopeLayout.HALVES,
                clip > 0 ? (float) clip : Float.POSITIVE_INFINITY,
                experts,
                expertsPerToken,
                expertHidden(p, family, expertsPerToken),
                normalizeTopK(p, family),
                sharedExpertHidden(p, family),
                moeLayers,
                0);
    }

    private int vocabulary(@Nullable StoredTensor embedding) {
        if (embedding == null) {
            problems.add("tensor token_embd.weight is missing");
            return 1;
        }
        long rows = embedding.shape().length == 2 ? embedding.shape()[0] : 0;
        if (rows < 1 || rows > SpecLimits.VOCABULARY) {
            problems.add(
                    "tensor token_embd.weight has shape "
                            + StoredTensor.text(embedding.shape())
                            + "; expected [vocabulary, hidden] with a vocabulary of at most "
                            + SpecLimits.VOCABULARY);
            return 1;
        }
        return (int) rows;
    }

    private int headDim(String p, int hidden, int heads) {
        OptionalInt key =
                metadata.integer(p + "attention.key_length", 1, SpecLimits.HEAD_DIM, problems);
        if (key.isEmpty() && hidden % heads != 0) {
            problems.add(
                    "metadata key "
                            + p
                            + "attention.key_length is missing, and an embedding of "
                            + hidden
                            + " does not divide into "
                            + heads
                            + " heads");
        }
        int headDim = key.orElse(Math.max(1, Math.min(hidden / heads, SpecLimits.HEAD_DIM)));
        requireSame(p + "attention.value_length", headDim, "the head's width");
        requireSame(p + "rope.dimension_count", headDim, "the head's width");
        return headDim;
    }

    private void requireSame(String key, int expected, String meaning) {
        OptionalInt value = metadata.integer(key, 1, SpecLimits.HEAD_DIM, problems);
        if (value.isPresent() && value.getAsInt() != expected) {
            problems.add(
                    "metadata key "
                            + key
                            + " is "
                            + value.getAsInt()
                            + "; supported is only "
                            + expected
                            + ", "
                            + meaning);
        }
    }

    private int checkedContext(String p, int context) {
        int window =
                metadata.integer(p + "attention.sliding_window", 0, SpecLimits.CONTEXT, problems)
                        .orElse(0);
        if (window > 0 && window < context) {
            problems.add(
                    "metadata key "
                            + p
                            + "attention.sliding_window is "
                            + window
                            + ", less than the context of "
                            + context
                            + "; sliding-window attention is not supported");
        }
        return context;
    }

    private double checkedRope(String p, double theta) {
        String kind = metadata.string(p + "rope.scaling.type", problems).orElse("none");
        double factor =
                metadata.number(p + "rope.scaling.factor", -1, SpecLimits.ROPE_THETA, problems)
                        .orElse(
                                metadata.number(
                                                p + "rope.scale_linear",
                                                -1,
                                                SpecLimits.ROPE_THETA,
                                                problems)
                                        .orElse(0));
        boolean unscaled = factor == 0 || factor == 1;
        if (!(unscaled && (kind.equals("none") || kind.equals("linear")))) {
            problems.add(
                    "rope scaling "
                            + (kind.equals("none") ? "linear" : Untrusted.shown(kind))
                            + " with factor "
                            + factor
                            + " (metadata key "
                            + p
                            + "rope.scaling.type) is not supported; supported is none");
        }
        return theta;
    }

    private int expertHidden(String p, Family family, int expertsPerToken) {
        OptionalInt own =
                metadata.integer(p + "expert_feed_forward_length", 1, SpecLimits.WIDTH, problems);
        if (own.isPresent()) {
            return own.getAsInt();
        }
        int feedForward =
                metadata.requiredInteger(p + "feed_forward_length", 1, SpecLimits.WIDTH, problems);
        boolean shared = family == Family.QWEN2_MOE || family == Family.QWEN3_MOE;
        return shared ? Math.max(1, feedForward / expertsPerToken) : feedForward;
    }

    private int sharedExpertHidden(String p, Family family) {
        String key = p + "expert_shared_feed_forward_length";
        if (family != Family.QWEN2_MOE) {
            requireAbsent(key, "a shared expert");
            return 0;
        }
        return metadata.integer(key, 1, SpecLimits.WIDTH, problems)
                .orElseGet(
                        () ->
                                metadata.requiredInteger(
                                        p + "feed_forward_length", 1, SpecLimits.WIDTH, problems));
    }

    /** GGUF files seldom say so: llama.cpp knows it by the family. */
    private boolean normalizeTopK(String p, Family family) {
        OptionalInt gating =
                metadata.integer(p + "expert_gating_func", 0, Integer.MAX_VALUE, problems);
        if (gating.orElse(0) > 1) {
            problems.add(
                    "metadata key "
                            + p
                            + "expert_gating_func is "
                            + gating.getAsInt()
                            + "; supported is 1 (softmax)");
        }
        double scale =
                metadata.number(p + "expert_weights_scale", -1, Float.MAX_VALUE, problems)
                        .orElse(0);
        if (scale != 0 && scale != 1) {
            problems.add(
                    "metadata key "
                            + p
                            + "expert_weights_scale is "
                            + scale
                            + "; supported is only 1");
        }
        return metadata.bool(p + "expert_weights_norm", problems)
                .orElse(family == Family.QWEN3_MOE || family == Family.MIXTRAL);
    }

    private void requireAbsent(String key, String meaning) {
        int value = metadata.integer(key, 0, SpecLimits.WIDTH, problems).orElse(0);
        if (value > 0) {
            problems.add(
                    "metadata key "
                            + key
                            + " is "
                            + value
                            + "; "
                            + meaning
                            + " is not supported for this architecture");
        }
    }

    /** Reads vocabulary, chat template and special tokens. */
    static TokenizerFiles tokenizer(
            Path file, GgufMetadata metadata, int vocabulary, SideFiles beside)
            throws CheckpointException {
        Problems problems = new Problems(file);
        TokenizerFiles tokenizer = new GgufModel(metadata, problems).tokenizer(vocabulary, beside);
        problems.throwIfAny();
        return tokenizer;
    }

    private TokenizerFiles tokenizer(int vocabulary, SideFiles beside) {
        String key = "tokenizer.ggml.";
        String model = metadata.string(key + "model", problems).orElse("none");
        String pre = metadata.string(key + "pre", problems).orElse("default");
        List<String> tokens = metadata.strings(key + "tokens", problems).orElse(List.of());
        float[] scores = metadata.floats(key + "scores", problems).orElse(new float[0]);
        int[] types = metadata.integers(key + "token_type", problems).orElse(new int[0]);
        List<String> merges = metadata.strings(key + "merges", problems).orElse(List.of());
        Optional<String> template = metadata.string("tokenizer.chat_template", problems);
        requireLength(key + "scores", scores.length, tokens.size());
        requireLength(key + "token_type", types.length, tokens.size());
        if (tokens.size() > vocabulary) {
            problems.add(
                    "metadata key "
                            + key
                            + "tokens has "
                            + tokens.size()
                            + " entries, more than the "
                            + vocabulary
                            + " rows of token_embd.weight");
        }
        boolean sentencePiece = model.equals("llama");
        int bos =
                metadata.integer(key + "bos_token_id", 0, vocabulary - 1L, problems)
                        .orElse(sentencePiece && vocabulary > 1 ? 1 : -1);
        boolean addBos = metadata.bool(key + "add_bos_token", problems).orElse(sentencePiece);
        return new TokenizerFiles(
                beside.tokenizerJson(),
                tokens.isEmpty()
                        ? null
                        : new GgufVocabulary(model, pre, tokens, scores, types, merges),
                beside.chatTemplate() != null ? beside.chatTemplate() : template.orElse(null),
                bos,
                addBos && bos >= 0,
                endTokens(key, tokens, types, vocabulary));
    }

    private void requireLength(String key, int length, int expected) {
        if (length != 0 && length != expected) {
            problems.add(
                    "metadata key "
                            + key
                            + " has "
                            + length
                            + " entries; expected "
                            + expected
                            + ", as many as tokenizer.ggml.tokens");
        }
    }

    private Set<Integer> endTokens(String key, List<String> tokens, int[] types, int vocabulary) {
        Set<Integer> ends = new HashSet<>();
        for (String name : List.of("eos_token_id", "eot_token_id", "eom_token_id")) {
            metadata.integer(key + name, 0, vocabulary - 1L, problems).ifPresent(ends::add);
        }
        for (int id = 0; id < Math.min(tokens.size(), types.length); id++) {
            if (types[id] == CONTROL_TOKEN && END_TEXTS.contains(tokens.get(id))) {
                ends.add(id);
            }
        }
        return Set.copyOf(ends);
    }
}
