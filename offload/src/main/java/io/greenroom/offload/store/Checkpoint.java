package io.greenroom.offload.store;

import java.util.Collection;
import java.util.Optional;

/**
 * An opened checkpoint: checked metadata and the places of its tensors. Holds no weights in memory.
 * Immutable and thread-safe.
 *
 * <p>Tensors carry their GGUF names whatever the format on disk: {@code token_embd.weight}, {@code
 * output_norm.weight}, {@code output.weight} (absent when tied to the embedding), and per layer
 * {@code blk.N.} followed by {@code attn_norm.weight}, {@code attn_q.weight}, {@code attn_q.bias},
 * {@code attn_k.*}, {@code attn_v.*}, {@code attn_output.weight}, {@code attn_q_norm.weight},
 * {@code attn_k_norm.weight}, {@code ffn_norm.weight}, {@code ffn_gate_inp.weight}, {@code
 * ffn_gate_inp_shexp.weight}, {@code ffn_gate_shexp.weight}, {@code ffn_up_shexp.weight}, {@code
 * ffn_down_shexp.weight}, and for dense layers {@code ffn_gate.weight}, {@code ffn_up.weight},
 * {@code ffn_down.weight}.
 */
public interface Checkpoint extends ExpertSource {

    /** All dense (not routed-expert) tensors, in no order; what is always resident. */
    Collection<TensorSpan> tensors();

    /** A dense (not routed-expert) tensor. */
    Optional<TensorSpan> tensor(String name);

    TokenizerFiles tokenizer();
}
