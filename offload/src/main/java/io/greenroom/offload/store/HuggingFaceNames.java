package io.greenroom.offload.store;

import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Translates tensor names of Transformers checkpoints to the canonical (GGUF) ones. */
final class HuggingFaceNames {

    private static final Pattern LAYER = Pattern.compile("model\\.layers\\.(\\d{1,4})\\.(.+)");

    private static final Pattern EXPERT =
            Pattern.compile(
                    "(?:mlp|block_sparse_moe)\\.experts\\.(\\d{1,5})"
                            + "\\.(gate_proj|up_proj|down_proj|w1|w2|w3)\\.weight");

    private static final Map<String, String> MODEL =
            Map.of(
                    "model.embed_tokens.weight", "token_embd.weight",
                    "model.norm.weight", "output_norm.weight",
                    "lm_head.weight", "output.weight");

    private static final Map<String, String> EXPERT_MATRICES =
            Map.of(
                    "gate_proj", "gate",
                    "w1", "gate",
                    "up_proj", "up",
                    "w3", "up",
                    "down_proj", "down",
                    "w2", "down");

    private static final Map<String, String> IN_LAYER =
            Map.ofEntries(
                    Map.entry("input_layernorm.weight", "attn_norm.weight"),
                    Map.entry("self_attn.q_proj.weight", "attn_q.weight"),
                    Map.entry("self_attn.k_proj.weight", "attn_k.weight"),
                    Map.entry("self_attn.v_proj.weight", "attn_v.weight"),
                    Map.entry("self_attn.q_proj.bias", "attn_q.bias"),
                    Map.entry("self_attn.k_proj.bias", "attn_k.bias"),
                    Map.entry("self_attn.v_proj.bias", "attn_v.bias"),
                    Map.entry("self_attn.o_proj.weight", "attn_output.weight"),
                    Map.entry("self_attn.q_norm.weight", "attn_q_norm.weight"),
                    Map.entry("self_attn.k_norm.weight", "attn_k_norm.weight"),
                    Map.entry("post_attention_layernorm.weight", "ffn_norm.weight"),
                    Map.entry("mlp.gate.weight", "ffn_gate_inp.weight"),
                    Map.entry("block_sparse_moe.gate.weight", "ffn_gate_inp.weight"),
                    Map.entry("mlp.experts.gate_up_proj", "ffn_gate_up_exps.weight"),
                    Map.entry("mlp.experts.down_proj", "ffn_down_exps.weight"),
                    Map.entry("block_sparse_moe.experts.gate_up_proj", "ffn_gate_up_exps.weight"),
                    Map.entry("block_sparse_moe.experts.down_proj", "ffn_down_exps.weight"),
                    Map.entry("mlp.shared_expert_gate.weight", "ffn_gate_inp_shexp.weight"),
                    Map.entry("mlp.shared_expert.gate_proj.weight", "ffn_gate_shexp.weight"),
                    Map.entry("mlp.shared_expert.up_proj.weight", "ffn_up_shexp.weight"),
                    Map.entry("mlp.shared_expert.down_proj.weight", "ffn_down_shexp.weight"),
                    Map.entry("mlp.gate_proj.weight", "ffn_gate.weight"),
                    Map.entry("mlp.up_proj.weight", "ffn_up.weight"),
                    Map.entry("mlp.down_proj.weight", "ffn_down.weight"));

    private HuggingFaceNames() {}

    /**
     * The canonical name; the name itself if it is not known; empty for tensors that older
     * Transformers saved but that are computed from the configuration.
     */
    static Optional<String> canonical(String name) {
        Matcher layer = LAYER.matcher(name);
        if (!layer.matches()) {
            return Optional.of(MODEL.getOrDefault(name, name));
        }
        String inLayer = layer.group(2);
        if (inLayer.equals("self_attn.rotary_emb.inv_freq")) {
            return Optional.empty();
        }
        String block = "blk." + Integer.parseInt(layer.group(1)) + ".";
        Matcher expert = EXPERT.matcher(inLayer);
        if (expert.matches()) {
            String matrix = EXPERT_MATRICES.get(expert.group(2));
            int index = Integer.parseInt(expert.group(1));
            return Optional.of(block + "ffn_" + matrix + "." + index + ".weight");
        }
        String known = IN_LAYER.get(inLayer);
        return Optional.of(known == null ? name : block + known);
    }
}
