package io.greenroom.offload.store;

import io.greenroom.offload.kernel.TensorType;
import io.greenroom.offload.store.ModelSpec.Family;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;

/**
 * A small seeded random model that tests can write in any supported format. Floats are normally
 * distributed around 0 (norms around 1); quantised tensors hold random bytes.
 *
 * @param family architecture
 * @param layers number of layers
 * @param hidden width
 * @param inner width of an expert
 * @param experts experts per layer
 * @param vocabulary rows of the embedding
 * @param expertType type of expert matrices in GGUF files
 * @param seed of all weights
 */
public record TinyModel(
        Family family,
        int layers,
        int hidden,
        int inner,
        int experts,
        int vocabulary,
        TensorType expertType,
        long seed) {

    public static final int HEADS = 4;
    public static final int KV_HEADS = 2;
    public static final int EXPERTS_PER_TOKEN = 2;
    public static final int SHARED = 32;
    public static final int CONTEXT = 64;

    public static TinyModel of(Family family) {
        return new TinyModel(family, 2, 64, 32, 4, 48, TensorType.F32, 7);
    }

    /** Widths that every type's blocks divide. */
    public TinyModel withExpertType(TensorType type) {
        return new TinyModel(family, layers, 256, 256, experts, vocabulary, type, seed);
    }

    public int headDim() {
        return family == Family.QWEN3_MOE ? 32 : hidden / HEADS;
    }

    /** Shapes by canonical name, experts stacked. */
    public Map<String, long[]> shapes() {
        long queries = (long) HEADS * headDim();
        long keys = (long) KV_HEADS * headDim();
        Map<String, long[]> shapes = new LinkedHashMap<>();
        shapes.put("token_embd.weight", shape(vocabulary, hidden));
        shapes.put("output_norm.weight", shape(hidden));
        shapes.put("output.weight", shape(vocabulary, hidden));
        for (int layer = 0; layer < layers; layer++) {
            String block = "blk." + layer + ".";
            shapes.put(block + "attn_norm.weight", shape(hidden));
            shapes.put(block + "attn_q.weight", shape(queries, hidden));
            shapes.put(block + "attn_k.weight", shape(keys, hidden));
            shapes.put(block + "attn_v.weight", shape(keys, hidden));
            shapes.put(block + "attn_output.weight", shape(hidden, queries));
            if (family == Family.QWEN2_MOE) {
                shapes.put(block + "attn_q.bias", shape(queries));
                shapes.put(block + "attn_k.bias", shape(keys));
                shapes.put(block + "attn_v.bias", shape(keys));
                shapes.put(block + "ffn_gate_inp_shexp.weight", shape(hidden));
                shapes.put(block + "ffn_gate_shexp.weight", shape(SHARED, hidden));
                shapes.put(block + "ffn_up_shexp.weight", shape(SHARED, hidden));
                shapes.put(block + "ffn_down_shexp.weight", shape(hidden, SHARED));
            }
            if (family == Family.QWEN3_MOE) {
                shapes.put(block + "attn_q_norm.weight", shape(headDim()));
                shapes.put(block + "attn_k_norm.weight", shape(headDim()));
            }
            if (family == Family.OLMOE) {
                shapes.put(block + "attn_q_norm.weight", shape(queries));
                shapes.put(block + "attn_k_norm.weight", shape(keys));
            }
            shapes.put(block + "ffn_norm.weight", shape(hidden));
            shapes.put(block + "ffn_gate_inp.weight", shape(experts, hidden));
            shapes.put(block + "ffn_gate_exps.weight", shape(experts, inner, hidden));
            shapes.put(block + "ffn_up_exps.weight", shape(experts, inner, hidden));
            shapes.put(block + "ffn_down_exps.weight", shape(experts, hidden, inner));
        }
        return shapes;
    }

    /** The GGUF file with all its metadata, before it is written. */
    public GgufWriter gguf() {
        String arch =
                switch (family) {
                    case OLMOE -> "olmoe";
                    case QWEN3_MOE -> "qwen3moe";
                    case QWEN2_MOE -> "qwen2moe";
                    case MIXTRAL -> "llama";
                };
        GgufWriter writer =
                new GgufWriter()
                        .meta("general.architecture", arch)
                        .meta(arch + ".block_count", layers)
                        .meta(arch + ".embedding_length", hidden)
                        .meta(arch + ".context_length", CONTEXT)
                        .meta(arch + ".attention.head_count", HEADS)
                        .meta(arch + ".attention.head_count_kv", KV_HEADS)
                        .meta(arch + ".attention.key_length", headDim())
                        .meta(arch + ".attention.layer_norm_rms_epsilon", 1e-5f)
                        .meta(arch + ".rope.freq_base", 50_000f)
                        .meta(arch + ".expert_count", experts)
                        .meta(arch + ".expert_used_count", EXPERTS_PER_TOKEN)
                        .meta(arch + ".feed_forward_length", inner);
        if (family == Family.QWEN2_MOE) {
            writer.meta(arch + ".expert_feed_forward_length", inner)
                    .meta(arch + ".expert_shared_feed_forward_length", SHARED);
        }
        if (family == Family.QWEN3_MOE) {
            writer.meta(arch + ".expert_feed_forward_length", inner);
        }
        vocabulary(writer);
        shapes().forEach(
                        (name, shape) -> {
                            TensorType type = name.contains("_exps") ? expertType : TensorType.F32;
                            writer.tensor(name, type, data(name, type, shape), shape);
                        });
        return writer;
    }

    private void vocabulary(GgufWriter writer) {
        String[] tokens = new String[vocabulary];
        int[] types = new int[vocabulary];
        for (int id = 0; id < vocabulary; id++) {
            tokens[id] = "t" + id;
            types[id] = 1;
        }
        tokens[vocabulary - 1] = "<|im_end|>";
        types[vocabulary - 1] = 3;
        writer.meta("tokenizer.ggml.model", "gpt2")
                .meta("tokenizer.ggml.pre", "qwen2")
                .meta("tokenizer.ggml.tokens", tokens)
                .meta("tokenizer.ggml.token_type", types)
                .meta("tokenizer.ggml.merges", new String[] {"t 1", "t 2"})
                .meta("tokenizer.ggml.bos_token_id", 1)
                .meta("tokenizer.ggml.eos_token_id", 2)
                .meta("tokenizer.chat_template", "{{ messages }}");
    }

    /** How a Hugging Face folder names routed experts. */
    public enum ExpertNames {
        /** One tensor per matrix. */
        SINGLE,
        /** gate_up_proj and down_proj, all experts in one. */
        FUSED
    }

    /** config.json as Transformers writes it. */
    public String config() {
        String own =
                switch (family) {
                    case OLMOE ->
                            "\"model_type\":\"olmoe\",\"num_experts\":%d,\"intermediate_size\":%d,"
                                    + "\"norm_topk_prob\":false,\"clip_qkv\":null";
                    case QWEN3_MOE ->
                            "\"model_type\":\"qwen3_moe\",\"num_experts\":%d,"
                                    + "\"moe_intermediate_size\":%d,\"intermediate_size\":96,"
                                    + "\"norm_topk_prob\":true,\"head_dim\":32";
                    case QWEN2_MOE ->
                            "\"model_type\":\"qwen2_moe\",\"num_experts\":%d,"
                                    + "\"moe_intermediate_size\":%d,\"intermediate_size\":96,"
                                    + "\"shared_expert_intermediate_size\":32";
                    case MIXTRAL ->
                            "\"model_type\":\"mixtral\",\"num_local_experts\":%d,"
                                    + "\"intermediate_size\":%d";
                };
        return "{"
                + String.format(own, experts, inner)
                + String.format(
                        ",\"num_hidden_layers\":%d,\"hidden_size\":%d,\"num_attention_heads\":%d,"
                                + "\"num_key_value_heads\":%d,\"num_experts_per_tok\":%d,"
                                + "\"vocab_size\":%d,\"max_position_embeddings\":%d,"
                                + "\"rms_norm_eps\":1e-05,\"rope_theta\":50000.0,"
                                + "\"hidden_act\":\"silu\",\"bos_token_id\":1,\"eos_token_id\":2}",
                        layers, hidden, HEADS, KV_HEADS, EXPERTS_PER_TOKEN, vocabulary, CONTEXT);
    }

    /** Writes config.json and model.safetensors. */
    public Path huggingFace(Path folder, String dtype, ExpertNames names) {
        try {
            Files.writeString(folder.resolve("config.json"), config());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        safetensors(dtype, names).write(folder.resolve("model.safetensors"));
        return folder;
    }

    /** The weights under Transformers' names. */
    public SafetensorsWriter safetensors(String dtype, ExpertNames names) {
        TensorType type = TensorType.valueOf(dtype);
        SafetensorsWriter writer = new SafetensorsWriter();
        shapes().forEach(
                        (name, shape) -> {
                            if (!name.contains("_exps")) {
                                long[] there =
                                        name.contains("inp_shexp") ? shape(1, hidden) : shape;
                                writer.tensor(
                                        huggingFaceName(name),
                                        dtype,
                                        data(name, type, shape),
                                        there);
                            }
                        });
        for (int layer = 0; layer < layers; layer++) {
            if (names == ExpertNames.FUSED) {
                fusedExperts(writer, layer, type);
            } else {
                singleExperts(writer, layer, type);
            }
        }
        return writer;
    }

    private void singleExperts(SafetensorsWriter writer, int layer, TensorType type) {
        boolean mixtral = family == Family.MIXTRAL;
        String block =
                "model.layers." + layer + (mixtral ? ".block_sparse_moe" : ".mlp") + ".experts.";
        for (int e = 0; e < experts; e++) {
            for (String matrix : new String[] {"down", "gate", "up"}) {
                String own =
                        switch (matrix) {
                            case "gate" -> mixtral ? "w1" : "gate_proj";
                            case "up" -> mixtral ? "w3" : "up_proj";
                            default -> mixtral ? "w2" : "down_proj";
                        };
                writer.tensor(
                        block + e + "." + own + ".weight",
                        type.name(),
                        expert(layer, matrix, e, type),
                        matrix.equals("down") ? shape(hidden, inner) : shape(inner, hidden));
            }
        }
    }

    private void fusedExperts(SafetensorsWriter writer, int layer, TensorType type) {
        String block = "model.layers." + layer + ".mlp.experts.";
        int each = (int) type.bytesFor((long) inner * hidden);
        ByteBuffer both = ByteBuffer.allocate(2 * each * experts);
        for (int e = 0; e < experts; e++) {
            both.put(expert(layer, "gate", e, type)).put(expert(layer, "up", e, type));
        }
        writer.tensor(
                block + "gate_up_proj", type.name(), both.array(), experts, 2L * inner, hidden);
        String down = "blk." + layer + ".ffn_down_exps.weight";
        writer.tensor(
                block + "down_proj",
                type.name(),
                data(down, type, shape(experts, hidden, inner)),
                experts,
                hidden,
                inner);
    }

    /** The bytes of one expert's matrix ("gate", "up" or "down"). */
    public byte[] expert(int layer, String matrix, int expert, TensorType type) {
        long[] all =
                matrix.equals("down")
                        ? shape(experts, hidden, inner)
                        : shape(experts, inner, hidden);
        byte[] stacked = data("blk." + layer + ".ffn_" + matrix + "_exps.weight", type, all);
        byte[] one = new byte[stacked.length / experts];
        System.arraycopy(stacked, expert * one.length, one, 0, one.length);
        return one;
    }

    /** The bytes of a tensor; the same for the same name, type and seed. */
    public byte[] data(String name, TensorType type, long... shape) {
        Random random = new Random(seed * 31 + name.hashCode());
        long elements = 1;
        for (long dimension : shape) {
            elements *= dimension;
        }
        byte[] bytes = new byte[(int) type.bytesFor(elements)];
        if (type.blockElements() > 1) {
            random.nextBytes(bytes);
            return bytes;
        }
        ByteBuffer out = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        float centre = name.contains("norm") ? 1 : 0;
        for (long i = 0; i < elements; i++) {
            // eighths are exact in all three float types
            float value = centre + Math.round(random.nextGaussian() * 4) / 8f;
            switch (type) {
                case F32 -> out.putFloat(value);
                case BF16 -> out.putShort((short) (Float.floatToIntBits(value) >>> 16));
                default -> out.putShort(halfOf(value));
            }
        }
        return bytes;
    }

    /** Good for values that binary16 holds exactly and that are not subnormal there. */
    private static short halfOf(float value) {
        int bits = Float.floatToIntBits(value);
        int sign = (bits >>> 16) & 0x8000;
        if (value == 0) {
            return (short) sign;
        }
        int exponent = ((bits >>> 23) & 0xFF) - 127 + 15;
        return (short) (sign | exponent << 10 | (bits >>> 13) & 0x3FF);
    }

    private String huggingFaceName(String name) {
        return switch (name) {
            case "token_embd.weight" -> "model.embed_tokens.weight";
            case "output_norm.weight" -> "model.norm.weight";
            case "output.weight" -> "lm_head.weight";
            default -> {
                String[] parts = name.split("\\.", 3);
                String rest =
                        switch (parts[2]) {
                            case "attn_norm.weight" -> "input_layernorm.weight";
                            case "ffn_norm.weight" -> "post_attention_layernorm.weight";
                            case "attn_output.weight" -> "self_attn.o_proj.weight";
                            case "attn_q_norm.weight" -> "self_attn.q_norm.weight";
                            case "attn_k_norm.weight" -> "self_attn.k_norm.weight";
                            case "ffn_gate_inp.weight" ->
                                    family == Family.MIXTRAL
                                            ? "block_sparse_moe.gate.weight"
                                            : "mlp.gate.weight";
                            case "ffn_gate_inp_shexp.weight" -> "mlp.shared_expert_gate.weight";
                            case "ffn_gate_shexp.weight" -> "mlp.shared_expert.gate_proj.weight";
                            case "ffn_up_shexp.weight" -> "mlp.shared_expert.up_proj.weight";
                            case "ffn_down_shexp.weight" -> "mlp.shared_expert.down_proj.weight";
                            default ->
                                    "self_attn."
                                            + parts[2].charAt("attn_".length())
                                            + "_proj."
                                            + parts[2].substring("attn_q.".length());
                        };
                yield "model.layers." + parts[1] + "." + rest;
            }
        };
    }

    private static long[] shape(long... dimensions) {
        return dimensions;
    }
}
