"""Makes the architecture fixtures: tiny random checkpoints with the answers Transformers gives in float32.

    python make_fixtures.py [NAME ...]        (all when no name is given)

Each folder under integration-tests/src/test/resources/fixtures holds a model and
    reference.json  prompt, greedy (16 ids), shape [T, V], routing and routing_weights [L][T][k] (an empty list for a
                    dense layer), min_gap (smallest lead of the winning logit over the greedy steps),
                    min_routing_margin (smallest lead, in router logits, of the last chosen expert over the first
                    rejected one, over prompt and greedy steps)
    logits.f32      little-endian float32 [T][V], the logits at every prompt position

The reference always loads what is on disk: half precision is read and widened, GGUF is dequantised by the gguf package
and goes through a temporary Transformers folder. Everything is seeded; among 40 random prompts the one with the widest
margins is kept, so that a correct engine with another summation order still picks the same tokens and experts.
"""
import json
import random
import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from gguf import GGMLQuantizationType as T
from safetensors.torch import save_file
from tokenizers import AddedToken, Tokenizer, models, pre_tokenizers, trainers
from transformers import AutoModelForCausalLM

import gguf_files
from prepare_data import SPECIAL, byte_level, save_tokenizer

FIXTURES = Path(__file__).resolve().parent.parent / "src/test/resources/fixtures"
VOCABULARY = 288
PROMPTS, GREEDY = 40, 16

torch.set_num_threads(1)


# ------------------------------------------------------------------------------------------------------- geometries
# Written as published configurations are: rope_theta and torch_dtype at the top level, num_experts by its own name.

def base(model_type: str, **changes) -> dict:
    config = {
        "architectures": [{"olmoe": "OlmoeForCausalLM", "qwen3_moe": "Qwen3MoeForCausalLM",
                           "qwen2_moe": "Qwen2MoeForCausalLM", "mixtral": "MixtralForCausalLM"}[model_type]],
        "model_type": model_type, "vocab_size": VOCABULARY, "hidden_size": 64, "num_hidden_layers": 3,
        "num_attention_heads": 4, "num_key_value_heads": 2, "hidden_act": "silu", "max_position_embeddings": 512,
        "rms_norm_eps": 1e-5, "rope_theta": 10000.0, "tie_word_embeddings": False, "torch_dtype": "float32",
        "attention_dropout": 0.0, "initializer_range": 0.02, "use_cache": True, "bos_token_id": 285,
        "eos_token_id": 287, "pad_token_id": 285,
    }
    return config | changes


def olmoe(**changes) -> dict:
    # llama.cpp reads OLMoE only with as many key heads as query heads, as the published model has.
    return base("olmoe", num_key_value_heads=4, num_experts=8, num_experts_per_tok=3, intermediate_size=24,
                norm_topk_prob=False, attention_bias=False, clip_qkv=None, rope_scaling=None) | changes


def qwen3(**changes) -> dict:
    return base("qwen3_moe", num_experts=8, num_experts_per_tok=2, moe_intermediate_size=24, intermediate_size=96,
                head_dim=32, norm_topk_prob=True, decoder_sparse_step=1, mlp_only_layers=[], rms_norm_eps=1e-6,
                rope_theta=1000000.0, attention_bias=False, use_sliding_window=False, sliding_window=None,
                rope_scaling=None) | changes


def qwen2(**changes) -> dict:
    return base("qwen2_moe", num_hidden_layers=2, num_experts=6, num_experts_per_tok=2,
                moe_intermediate_size=32, intermediate_size=96, shared_expert_intermediate_size=48,
                norm_topk_prob=False, decoder_sparse_step=1, mlp_only_layers=[],
                rms_norm_eps=1e-6, rope_theta=1000000.0, use_sliding_window=False, sliding_window=None,
                max_window_layers=3) | changes


def mixtral(**changes) -> dict:
    return base("mixtral", num_hidden_layers=2, num_local_experts=4, num_experts_per_tok=2,
                intermediate_size=48, sliding_window=None, rope_theta=1000000.0) | changes


# The K types need rows of a multiple of 256 columns; the other types make do with less, to keep the files small.
QWEN3_WIDE = qwen3(hidden_size=256, moe_intermediate_size=256, num_hidden_layers=2, num_experts=3,
                   num_key_value_heads=1, head_dim=64, tie_word_embeddings=True)
QWEN3_SMALL = qwen3(hidden_size=96, moe_intermediate_size=64, num_hidden_layers=2, num_experts=4,
                    tie_word_embeddings=True)


# ---------------------------------------------------------------------------------------------------------- weights

def random_state(config: dict, seed: int) -> dict[str, torch.Tensor]:
    """Weights under published names, scaled so that logits spread by about 3 and router logits by about 2."""
    g = torch.Generator().manual_seed(seed)
    hidden, kind = config["hidden_size"], config["model_type"]
    head_dim = config.get("head_dim") or hidden // config["num_attention_heads"]
    q, kv = config["num_attention_heads"] * head_dim, config["num_key_value_heads"] * head_dim
    experts = config.get("num_experts") or config["num_local_experts"]
    out = {}

    def matrix(name, rows, columns, gain=1.0):
        out[name + ".weight"] = torch.randn(rows, columns, generator=g) * (gain / columns ** 0.5)

    def norm(name, n):
        out[name + ".weight"] = 1 + 0.2 * torch.randn(n, generator=g)

    def mlp(p, width, names=("gate_proj", "up_proj", "down_proj")):
        matrix(f"{p}.{names[0]}", width, hidden, 1.5)
        matrix(f"{p}.{names[1]}", width, hidden, 1.5)
        matrix(f"{p}.{names[2]}", hidden, width, 1.5)

    tied = config["tie_word_embeddings"]
    embedding = 3 / hidden ** 0.5 if tied else 0.7
    out["model.embed_tokens.weight"] = torch.randn(VOCABULARY, hidden, generator=g) * embedding
    for i in range(config["num_hidden_layers"]):
        p = f"model.layers.{i}"
        norm(f"{p}.input_layernorm", hidden)
        for name, rows in (("q_proj", q), ("k_proj", kv), ("v_proj", kv)):
            matrix(f"{p}.self_attn.{name}", rows, hidden, 1.3)
            if kind == "qwen2_moe":
                out[f"{p}.self_attn.{name}.bias"] = 0.4 * torch.randn(rows, generator=g)
        matrix(f"{p}.self_attn.o_proj", hidden, q)
        if kind == "olmoe":  # over the whole projection, not per head
            norm(f"{p}.self_attn.q_norm", q)
            norm(f"{p}.self_attn.k_norm", kv)
        if kind == "qwen3_moe":
            norm(f"{p}.self_attn.q_norm", head_dim)
            norm(f"{p}.self_attn.k_norm", head_dim)
        norm(f"{p}.post_attention_layernorm", hidden)
        if i in config.get("mlp_only_layers", []):
            mlp(f"{p}.mlp", config["intermediate_size"])
            continue
        block = f"{p}.block_sparse_moe" if kind == "mixtral" else f"{p}.mlp"
        matrix(f"{block}.gate", experts, hidden, 2.0)
        for e in range(experts):
            mlp(f"{block}.experts.{e}", config.get("moe_intermediate_size") or config["intermediate_size"],
                ("w1", "w3", "w2") if kind == "mixtral" else ("gate_proj", "up_proj", "down_proj"))
        if kind == "qwen2_moe":
            mlp(f"{p}.mlp.shared_expert", config["shared_expert_intermediate_size"])
            matrix(f"{p}.mlp.shared_expert_gate", 1, hidden, 1.5)
    norm("model.norm", hidden)
    if not tied:
        matrix("lm_head", VOCABULARY, hidden, 3.0)
    return out


def make_tokenizer(folder: Path) -> None:
    """256 bytes, 29 merges and the three special tokens: real, just short of words."""
    text = ["the quick brown fox jumps over the lazy dog and then there were nine other things in the thin forest"] * 3
    tokenizer = byte_level(Tokenizer(models.BPE()))
    tokenizer.train_from_iterator(text, trainers.BpeTrainer(
        vocab_size=VOCABULARY - len(SPECIAL), show_progress=False, min_frequency=1,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    tokenizer.add_special_tokens([AddedToken(t, normalized=False, special=True) for t in SPECIAL])
    assert tokenizer.get_vocab_size() == VOCABULARY, tokenizer.get_vocab_size()
    save_tokenizer(tokenizer, folder)


def write_folder(folder: Path, state: dict, config: dict, shards: int = 1) -> None:
    """A Transformers folder in published naming; with shards > 1 in numbered files and an index."""
    folder.mkdir(parents=True, exist_ok=True)
    dtype = getattr(torch, config["torch_dtype"])
    state = {k: v.to(dtype).contiguous() for k, v in state.items()}
    if shards == 1:
        save_file(state, folder / "model.safetensors", metadata={"format": "pt"})
    else:
        names, index = list(state), {}
        for s in range(shards):
            file = f"model-{s + 1:05d}-of-{shards:05d}.safetensors"
            part = names[s * len(names) // shards:(s + 1) * len(names) // shards]
            save_file({n: state[n] for n in part}, folder / file, metadata={"format": "pt"})
            index |= {n: file for n in part}
        total = sum(v.numel() * v.element_size() for v in state.values())
        (folder / "model.safetensors.index.json").write_text(
            json.dumps({"metadata": {"total_size": total}, "weight_map": index}, indent=2) + "\n")
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    make_tokenizer(folder)


# -------------------------------------------------------------------------------------------------------- reference

class Reference:
    """A Transformers model in float32 that also reports what its routers chose."""

    def __init__(self, folder: Path):
        self.model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager")
        self.model.eval()
        self.layers = len(self.model.model.layers)
        self.seen: dict[int, tuple] = {}
        for i, layer in enumerate(self.model.model.layers):
            if hasattr(layer.mlp, "gate"):
                layer.mlp.gate.register_forward_hook(lambda m, a, out, i=i: self.seen.__setitem__(i, out))

    @torch.no_grad()
    def run(self, ids: list[int]):
        """-> logits [T, V], {layer: (router logits [T, E], weights [T, k], experts [T, k])}"""
        self.seen = {}
        logits = self.model(torch.tensor([ids]), use_cache=False).logits[0]
        return logits, dict(self.seen)

    def answer(self, prompt: list[int]) -> dict:
        logits, routing = self.run(prompt)
        ids, greedy, gap = list(prompt), [], 1e9
        for _ in range(GREEDY):
            last, routing_now = self.run(ids)
            top = last[-1].topk(2)
            gap = min(gap, float(top.values[0] - top.values[1]))
            greedy.append(int(top.indices[0]))
            ids.append(greedy[-1])
        margin = 1e9
        for router_logits, weights, _ in routing_now.values():
            ranked, k = router_logits.sort(-1, descending=True).values, weights.shape[-1]
            margin = min(margin, float((ranked[:, k - 1] - ranked[:, k]).min()))
        return {"prompt": prompt, "greedy": greedy, "min_gap": gap, "min_routing_margin": margin,
                "shape": list(logits.shape), "logits": logits,
                "routing": [routing[i][2].tolist() if i in routing else [] for i in range(self.layers)],
                "routing_weights": [[[round(w, 7) for w in row] for row in routing[i][1].tolist()] if i in routing
                                    else [] for i in range(self.layers)]}


def write_reference(folder: Path, transformers_folder: Path, seed: int) -> None:
    reference, rng, best = Reference(transformers_folder), random.Random(seed), None
    for _ in range(PROMPTS):
        prompt = [rng.randrange(VOCABULARY - len(SPECIAL)) for _ in range(rng.randint(12, 20))]
        answer = reference.answer(prompt)
        score = min(answer["min_gap"], 4 * answer["min_routing_margin"]) * (len(set(answer["greedy"])) > 4)
        if best is None or score > best[0]:
            best = (score, answer)
    answer = best[1]
    logits = answer.pop("logits").numpy().astype("<f4")
    assert answer["min_gap"] > 1e-3 and answer["min_routing_margin"] > 1e-4, answer
    logits.tofile(folder / "logits.f32")
    (folder / "reference.json").write_text(json.dumps(answer) + "\n")
    print(f"{folder.name}: gap {answer['min_gap']:.4f}, routing margin {answer['min_routing_margin']:.4f}, "
          f"logits {logits.min():.2f} to {logits.max():.2f}, "
          f"{sum(f.stat().st_size for f in folder.iterdir())} bytes", flush=True)


def make_folder(name: str, config: dict, seed: int, shards: int = 1) -> None:
    folder = FIXTURES / name
    shutil.rmtree(folder, ignore_errors=True)
    write_folder(folder, random_state(config, seed), config, shards)
    for file in folder.iterdir():
        file.chmod(0o644)  # safetensors creates its files for the owner alone
    write_reference(folder, folder, seed)


def make_gguf(name: str, config: dict, seed: int, qtype: T, split_tensors: int = 0, version: int = 3) -> None:
    folder = FIXTURES / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    state = {k: v.numpy() for k, v in random_state(config, seed).items()}
    with tempfile.TemporaryDirectory() as scratch:
        scratch = Path(scratch)
        make_tokenizer(scratch / "tokenizer")
        gguf_files.write(folder / f"{name}.gguf", state, config, qtype, scratch / "tokenizer", name,
                         split_tensors=split_tensors)
        files = sorted(folder.glob("*.gguf"))
        if version == 2:  # little-endian v2 and v3 differ in the number alone
            with open(files[0], "r+b") as f:
                f.seek(4)
                f.write((2).to_bytes(4, "little"))
        back = {k: torch.from_numpy(v) for k, v in gguf_files.read(files).items()}
        write_folder(scratch / "model", back, config | {"torch_dtype": "float32"})
        write_reference(folder, scratch / "model", seed)


def jobs() -> dict:
    folder = lambda *a, **k: lambda name: make_folder(name, *a, **k)
    gguf = lambda *a, **k: lambda name: make_gguf(name, *a, **k)
    # A newer Transformers writes the rotary settings this way; both spellings are found in the wild.
    v5 = qwen3(rope_parameters={"rope_type": "default", "rope_theta": 1000000.0}, dtype="float32")
    v5.pop("rope_theta")
    return {
        "olmoe-hf": folder(olmoe(), 11),
        "olmoe-clip-bf16-hf": folder(olmoe(clip_qkv=1.5, num_key_value_heads=2, torch_dtype="bfloat16"), 12),
        "qwen3moe-hf": folder(v5, 21, shards=3),
        "qwen2moe-hf": folder(qwen2(), 31, shards=2),
        "qwen2moe-densemlp-hf": folder(qwen2(num_hidden_layers=3, mlp_only_layers=[0], torch_dtype="float16"), 32),
        "mixtral-hf": folder(mixtral(), 41),
        "olmoe-gguf": gguf(olmoe(), 11, T.F32),
        "qwen3moe-gguf": gguf(qwen3(), 21, T.F32),
        "qwen2moe-gguf": gguf(qwen2(), 31, T.F32),
        "mixtral-gguf": gguf(mixtral(), 41, T.F32),
        "qwen3moe-f16": gguf(QWEN3_SMALL, 51, T.F16),
        "qwen3moe-bf16": gguf(QWEN3_SMALL, 51, T.BF16),
        "qwen3moe-q8_0": gguf(QWEN3_SMALL, 51, T.Q8_0),
        "qwen3moe-q4_0": gguf(QWEN3_SMALL, 51, T.Q4_0),
        "qwen3moe-q4_k": gguf(QWEN3_WIDE, 52, T.Q4_K),
        "qwen3moe-q5_k": gguf(QWEN3_WIDE, 52, T.Q5_K),
        "qwen3moe-q6_k": gguf(QWEN3_WIDE, 52, T.Q6_K),
        "qwen3moe-q8_0-split": gguf(QWEN3_SMALL, 51, T.Q8_0, split_tensors=9),
        "qwen3moe-q4_0-v2": gguf(QWEN3_SMALL, 51, T.Q4_0, version=2),
    }


def main() -> None:
    for name, job in jobs().items():
        if len(sys.argv) == 1 or name in sys.argv[1:]:
            job(name)


if __name__ == "__main__":
    main()
