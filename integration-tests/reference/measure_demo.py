"""Measures the shipped demo model: held-out perplexity and how its experts are used.

    python measure_demo.py WORK_FOLDER MODEL.gguf [--limit 20000] [--routing routing.csv]

For each domain, the held-out raw text (up to --limit tokens) is run in windows of 512 through Transformers in float32.
Prints Markdown tables:
    perplexity a token and bits a byte, by domain
    by layer: entropy of the expert load, divided by log E (1 = every expert equally busy; domains weighted equally);
    the least and most used expert's share, times E; Jensen-Shannon divergence in bits between the load distributions of
    each pair of domains (0 = same experts, 1 = disjoint)
"""
import argparse
import csv
from itertools import combinations
from pathlib import Path

import numpy as np
import torch

import gguf_files

DOMAINS = ["kjv", "lexicon", "java"]
WINDOW = 512


@torch.no_grad()
def run(model, ids: torch.Tensor):
    """-> (mean cross entropy, expert load [layers, E] as counts)"""
    rows = (len(ids) - 1) // WINDOW
    config = model.config
    layers, experts = config.num_hidden_layers, model.model.layers[0].mlp.gate.weight.shape[0]
    load = np.zeros((layers, experts))

    def count(layer):
        return lambda m, a, out: np.add.at(load[layer], out[2].reshape(-1).numpy(), 1)

    hooks = [layer.mlp.gate.register_forward_hook(count(i)) for i, layer in enumerate(model.model.layers)]
    total = 0.0
    for a in range(0, rows, 4):
        x = ids[a * WINDOW:min(rows, a + 4) * WINDOW].view(-1, WINDOW)
        y = ids[a * WINDOW + 1:min(rows, a + 4) * WINDOW + 1]
        logits = model(x, use_cache=False).logits.view(-1, config.vocab_size)
        total += float(torch.nn.functional.cross_entropy(logits, y, reduction="sum"))
    for h in hooks:
        h.remove()
    return total / (rows * WINDOW), load


def entropy(p: np.ndarray) -> float:
    """In bits."""
    p = p[p > 0]
    return float(-(p * np.log2(p)).sum())


def divergence(p: np.ndarray, q: np.ndarray) -> float:
    return entropy((p + q) / 2) - (entropy(p) + entropy(q)) / 2


def main() -> None:
    p = argparse.ArgumentParser()
    p.add_argument("work", type=Path)
    p.add_argument("model", type=Path)
    p.add_argument("--limit", type=int, default=20000)
    p.add_argument("--routing", type=Path, help="write layer, domain, expert, share here")
    args = p.parse_args()
    torch.set_num_threads(1)
    model, tokenizer = gguf_files.qwen3_model(args.model), gguf_files.tokenizer(args.model)

    print("| domain | held-out tokens | perplexity | bits a byte |\n|---|---|---|---|")
    share = {}
    for d in DOMAINS:
        file = args.work / "tokens" / f"{d}.raw.valid.bin"
        ids = np.fromfile(file, dtype=np.uint16).astype(np.int64)[:args.limit + 1]
        loss, load = run(model, torch.from_numpy(ids))
        used = (len(ids) - 1) // WINDOW * WINDOW
        size = len(tokenizer.decode(ids[1:used + 1], skip_special_tokens=True).encode())
        print(f"| {d} | {used} | {np.exp(loss):.2f} | {loss / np.log(2) * used / size:.3f} |", flush=True)
        share[d] = load / load.sum(1, keepdims=True)

    pairs = list(combinations(DOMAINS, 2))
    print("\n| layer | entropy | least | most | " + " | ".join(f"{a} / {b}" for a, b in pairs) + " |")
    print("|---" * (4 + len(pairs)) + "|")
    for layer in range(model.config.num_hidden_layers):
        mean = np.mean([share[d][layer] for d in DOMAINS], 0)
        n = len(mean)
        cells = [f"{entropy(mean) / np.log2(n):.3f}", f"{mean.min() * n:.2f}", f"{mean.max() * n:.2f}"]
        cells += [f"{divergence(share[a][layer], share[b][layer]):.3f}" for a, b in pairs]
        print(f"| {layer} | " + " | ".join(cells) + " |")
    if args.routing:
        with open(args.routing, "w", newline="") as f:
            writer = csv.writer(f)
            writer.writerow(["layer", "domain", "expert", "share"])
            for d in DOMAINS:
                for (layer, e), v in np.ndenumerate(share[d]):
                    writer.writerow([layer, d, e, f"{v:.5f}"])


if __name__ == "__main__":
    main()
