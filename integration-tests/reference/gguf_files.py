"""Writes and reads the GGUF files of the four model families, with the key and tensor names that llama.cpp uses.

A model is a dict of float32 numpy arrays under the names of a published Transformers checkpoint (one tensor per expert
and matrix) plus the contents of its config.json. `write` and `read` are inverses up to the precision of the types.
"""
import json
import re
from pathlib import Path

import numpy as np
from gguf import GGMLQuantizationType as T
from gguf import GGUFReader, GGUFWriter, TokenType
from gguf.quants import dequantize
from gguf.quants import quantize as gguf_quantize

import k_quants

ARCHITECTURES = {"olmoe": "olmoe", "qwen3_moe": "qwen3moe", "qwen2_moe": "qwen2moe", "mixtral": "llama"}
MODEL_TYPES = {v: k for k, v in ARCHITECTURES.items()}

PLAIN = {  # after "model.layers.N." / "blk.N."
    "input_layernorm.weight": "attn_norm.weight",
    "self_attn.q_proj.weight": "attn_q.weight", "self_attn.q_proj.bias": "attn_q.bias",
    "self_attn.k_proj.weight": "attn_k.weight", "self_attn.k_proj.bias": "attn_k.bias",
    "self_attn.v_proj.weight": "attn_v.weight", "self_attn.v_proj.bias": "attn_v.bias",
    "self_attn.o_proj.weight": "attn_output.weight",
    "self_attn.q_norm.weight": "attn_q_norm.weight", "self_attn.k_norm.weight": "attn_k_norm.weight",
    "post_attention_layernorm.weight": "ffn_norm.weight",
    "mlp.gate.weight": "ffn_gate_inp.weight", "block_sparse_moe.gate.weight": "ffn_gate_inp.weight",
    "mlp.shared_expert_gate.weight": "ffn_gate_inp_shexp.weight",
    "mlp.shared_expert.gate_proj.weight": "ffn_gate_shexp.weight",
    "mlp.shared_expert.up_proj.weight": "ffn_up_shexp.weight",
    "mlp.shared_expert.down_proj.weight": "ffn_down_shexp.weight",
}
# general.file_type: what most matrices are; the K types count as their medium mix.
FILE_TYPE = {T.F32: 0, T.F16: 1, T.Q4_0: 2, T.Q8_0: 7, T.Q4_K: 15, T.Q5_K: 17, T.Q6_K: 18, T.BF16: 32}
TOP = {"model.embed_tokens.weight": "token_embd.weight", "model.norm.weight": "output_norm.weight",
       "lm_head.weight": "output.weight"}
EXPERT = {"gate_proj": "gate", "up_proj": "up", "down_proj": "down", "w1": "gate", "w3": "up", "w2": "down"}
EXPERT_NAME = re.compile(r"model\.layers\.(\d+)\.(?:mlp|block_sparse_moe)\.experts\.(\d+)\.(\w+)\.weight")


def permute(w: np.ndarray, heads: int) -> np.ndarray:
    """Rows of a query or key projection from Transformers' order to that of GGUF's `llama` architecture.

    Transformers rotates element i of a head with element i + half; the llama architecture rotates neighbours 2i and
    2i + 1. The converter of llama.cpp therefore interleaves the two halves of every head, and so do we, for Mixtral
    only.
    """
    return w.reshape(heads, 2, w.shape[0] // heads // 2, *w.shape[1:]).swapaxes(1, 2).reshape(w.shape)


def unpermute(w: np.ndarray, heads: int) -> np.ndarray:
    return w.reshape(heads, w.shape[0] // heads // 2, 2, *w.shape[1:]).swapaxes(1, 2).reshape(w.shape)


def rope_theta(config: dict) -> float:
    return float(config["rope_theta"] if "rope_theta" in config else config["rope_parameters"]["rope_theta"])


def to_gguf_tensors(state: dict, config: dict) -> dict[str, np.ndarray]:
    """Renames, stacks the experts of a layer into one 3-D tensor [experts, rows, columns], permutes for Mixtral."""
    out, stacks = {}, {}
    mixtral = config["model_type"] == "mixtral"
    for name, w in state.items():
        if (m := EXPERT_NAME.fullmatch(name)):
            stacks.setdefault(f"blk.{m[1]}.ffn_{EXPERT[m[3]]}_exps.weight", {})[int(m[2])] = w
            continue
        if name in TOP:
            out[TOP[name]] = w
            continue
        m = re.fullmatch(r"model\.layers\.(\d+)\.(.+)", name)
        target = PLAIN[m[2]]
        if mixtral and target in ("attn_q.weight", "attn_k.weight"):
            w = permute(w, config["num_attention_heads" if target == "attn_q.weight" else "num_key_value_heads"])
        if target == "ffn_gate_inp_shexp.weight":
            w = w.reshape(-1)
        out[f"blk.{m[1]}.{target}"] = w
    for name, experts in stacks.items():
        out[name] = np.stack([experts[e] for e in range(len(experts))])
    if config.get("tie_word_embeddings"):
        out.pop("output.weight", None)
    # llama.cpp does not care about the order, but a file read front to back should visit the layers in order.
    layer = lambda n: int(n.split(".")[1]) if n.startswith("blk.") else (-1 if n.startswith("token") else 1 << 30)
    return dict(sorted(out.items(), key=lambda kv: layer(kv[0])))


def is_matrix(name: str, w: np.ndarray) -> bool:
    """True for the tensors that are quantised; norms, biases and routers stay float32."""
    return w.ndim >= 2 and not name.endswith("ffn_gate_inp.weight")


def encode(w: np.ndarray, qtype: T) -> np.ndarray:
    if qtype in k_quants.QUANTISERS:
        return k_quants.quantize(w, qtype)
    return gguf_quantize(np.ascontiguousarray(w, dtype=np.float32), qtype)


def add_tokenizer(writer: GGUFWriter, folder: Path) -> None:
    """Copies tokenizer.json and tokenizer_config.json (byte-level BPE with Qwen2's pre-tokenizer) into the metadata."""
    spec = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    config = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
    special = {t["content"]: t["id"] for t in spec["added_tokens"]}
    tokens = {i: t for t, i in (spec["model"]["vocab"] | special).items()}
    tokens = [tokens[i] for i in range(len(tokens))]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list(tokens)
    writer.add_token_types([TokenType.CONTROL if t in special else TokenType.NORMAL for t in tokens])
    writer.add_token_merges([m if isinstance(m, str) else " ".join(m) for m in spec["model"]["merges"]])
    writer.add_bos_token_id(special["<|endoftext|>"])
    writer.add_eos_token_id(special[config["eos_token"]])
    writer.add_pad_token_id(special[config["pad_token"]])
    writer.add_add_bos_token(False)
    writer.add_chat_template(config["chat_template"])


def write(path: Path, state: dict, config: dict, qtype: T, tokenizer: Path, name: str, licence: str = "apache-2.0",
          split_tensors: int = 0) -> None:
    arch = ARCHITECTURES[config["model_type"]]
    writer = GGUFWriter(str(path), arch, split_max_tensors=split_tensors)
    experts = config.get("num_experts") or config.get("num_local_experts")
    heads = config["num_attention_heads"]
    head_dim = config.get("head_dim") or config["hidden_size"] // heads
    writer.add_type("model")
    writer.add_name(name)
    writer.add_license(licence)
    writer.add_custom_alignment(32)
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(heads)
    writer.add_head_count_kv(config["num_key_value_heads"])
    writer.add_rope_freq_base(rope_theta(config))
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_expert_count(experts)
    writer.add_expert_used_count(config["num_experts_per_tok"])
    writer.add_vocab_size(config["vocab_size"])
    writer.add_file_type(FILE_TYPE[qtype])
    writer.add_quantization_version(2)
    if arch in ("qwen3moe", "qwen2moe"):
        writer.add_expert_feed_forward_length(config["moe_intermediate_size"])
    if arch == "qwen3moe":
        writer.add_key_length(head_dim)
        writer.add_value_length(head_dim)
    if arch == "qwen2moe":
        writer.add_expert_shared_feed_forward_length(config["shared_expert_intermediate_size"])
    if arch == "llama":
        writer.add_rope_dimension_count(head_dim)
    add_tokenizer(writer, tokenizer)
    for tensor, w in to_gguf_tensors(state, config).items():
        if is_matrix(tensor, w) and qtype != T.F32:
            writer.add_tensor(tensor, encode(w, qtype), raw_dtype=qtype)
        else:
            writer.add_tensor(tensor, np.ascontiguousarray(w, dtype=np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def read(paths: list[Path]) -> dict[str, np.ndarray]:
    """All tensors of one model, dequantised to float32, under Transformers' names. Tied output is left out."""
    readers = [GGUFReader(str(p)) for p in paths]
    field = lambda key: readers[0].fields[key].contents()
    arch = field("general.architecture")
    block = {v: k for k, v in PLAIN.items() if not k.startswith("block_sparse_moe")}
    parts = {"gate": "gate_proj", "up": "up_proj", "down": "down_proj"}
    prefix = "mlp"
    if arch == "llama":
        prefix, parts = "block_sparse_moe", {"gate": "w1", "up": "w3", "down": "w2"}
        block["ffn_gate_inp.weight"] = "block_sparse_moe.gate.weight"
    top = {v: k for k, v in TOP.items()}
    out = {}
    for tensor in (t for r in readers for t in r.tensors):
        shape = [int(n) for n in reversed(tensor.shape)]  # GGUF lists the fastest dimension first
        w = np.array(dequantize(tensor.data, tensor.tensor_type), dtype=np.float32).reshape(shape)
        if tensor.name in top:
            out[top[tensor.name]] = w
            continue
        _, layer, rest = tensor.name.split(".", 2)
        if (m := re.fullmatch(r"ffn_(gate|up|down)_exps\.weight", rest)):
            for e in range(len(w)):
                out[f"model.layers.{layer}.{prefix}.experts.{e}.{parts[m[1]]}.weight"] = w[e]
            continue
        if arch == "llama" and rest == "attn_q.weight":
            w = unpermute(w, field("llama.attention.head_count"))
        if arch == "llama" and rest == "attn_k.weight":
            w = unpermute(w, field("llama.attention.head_count_kv"))
        if rest == "ffn_gate_inp_shexp.weight":
            w = w.reshape(1, -1)
        out[f"model.layers.{layer}.{block[rest]}"] = w
    return out


def metadata(path: Path) -> dict:
    return {k: f.contents() for k, f in GGUFReader(str(path)).fields.items() if not k.startswith("GGUF.")}


def qwen3_config(path: Path) -> dict:
    """The config.json that belongs to a GGUF file of architecture qwen3moe."""
    m = metadata(path)
    get = lambda key: m[f"qwen3moe.{key}"]
    return {"architectures": ["Qwen3MoeForCausalLM"], "model_type": "qwen3_moe", "hidden_act": "silu",
            "vocab_size": len(m["tokenizer.ggml.tokens"]), "hidden_size": get("embedding_length"),
            "num_hidden_layers": get("block_count"), "num_attention_heads": get("attention.head_count"),
            "num_key_value_heads": get("attention.head_count_kv"), "head_dim": get("attention.key_length"),
            "num_experts": get("expert_count"), "num_experts_per_tok": get("expert_used_count"),
            "moe_intermediate_size": get("expert_feed_forward_length"), "intermediate_size": get("feed_forward_length"),
            "norm_topk_prob": True, "decoder_sparse_step": 1, "mlp_only_layers": [],
            "rms_norm_eps": get("attention.layer_norm_rms_epsilon"), "rope_theta": get("rope.freq_base"),
            "max_position_embeddings": get("context_length"), "attention_bias": False,
            "use_sliding_window": False, "torch_dtype": "float32",
            "tie_word_embeddings": not any(t.name == "output.weight" for t in GGUFReader(str(path)).tensors)}


def qwen3_model(path: Path):
    """The model of a qwen3moe file, dequantised to float32, in Transformers."""
    import tempfile

    import torch
    from safetensors.numpy import save_file
    from transformers import Qwen3MoeForCausalLM

    with tempfile.TemporaryDirectory() as folder:
        save_file(read([path]), Path(folder) / "model.safetensors", metadata={"format": "pt"})
        (Path(folder) / "config.json").write_text(json.dumps(qwen3_config(path)))
        return Qwen3MoeForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()


def tokenizer(path: Path):
    """The tokenizer of a file with pre = qwen2, rebuilt from its metadata, chat template included."""
    from tokenizers import Tokenizer, models
    from transformers import PreTrainedTokenizerFast

    from prepare_data import byte_level

    m = metadata(path)
    tokens, types = m["tokenizer.ggml.tokens"], m["tokenizer.ggml.token_type"]
    special = [t for t, kind in zip(tokens, types) if kind == TokenType.CONTROL]
    vocab = {t: i for i, t in enumerate(tokens) if t not in special}
    merges = [tuple(x.split(" ")) for x in m["tokenizer.ggml.merges"]]
    bpe = byte_level(Tokenizer(models.BPE(vocab=vocab, merges=merges)))
    bpe.add_special_tokens(special)
    assert all(bpe.token_to_id(t) == i for i, t in enumerate(tokens))
    return PreTrainedTokenizerFast(tokenizer_object=bpe, eos_token=tokens[m["tokenizer.ggml.eos_token_id"]],
                                   chat_template=m["tokenizer.chat_template"], clean_up_tokenization_spaces=False)
