"""Writes the perplexities that the demo model must have on the committed excerpts.

    python perplexity_reference.py [MODEL.gguf]

The file is dequantised to float32 and run by Qwen3MoeForCausalLM in float32 over integration-tests/texts/*-heldout.txt:
the first TOKENS + 1 tokens, in windows of WINDOW that each begin anew. The result,
integration-tests/src/test/resources/fixtures/demo/perplexity.json, holds for each text the tokens scored, the sum of
their negative log-likelihoods in nats (summed in float64) and the perplexity.
"""
import json
import math
import sys
from pathlib import Path

import torch

import gguf_files

ROOT = Path(__file__).resolve().parent.parent
MODEL = ROOT / "demo-model/greenroom-demo-q8_0.gguf"
OUT = ROOT / "src/test/resources/fixtures/demo/perplexity.json"
TOKENS = 2048
WINDOW = 512


@torch.no_grad()
def nats(model, ids: torch.Tensor) -> float:
    total = 0.0
    for begin in range(0, TOKENS, WINDOW):
        logits = model(ids[None, begin:begin + WINDOW], use_cache=False).logits[0].double()
        target = ids[begin + 1:begin + WINDOW + 1]
        total += float(torch.nn.functional.cross_entropy(logits, target, reduction="sum"))
    return total


def main() -> None:
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else MODEL
    torch.set_num_threads(1)
    model, tokenizer = gguf_files.qwen3_model(path), gguf_files.tokenizer(path)
    texts = {}
    for file in sorted((ROOT / "texts").glob("*-heldout.txt")):
        with open(file, encoding="utf-8", newline="") as f:
            ids = torch.tensor(tokenizer(f.read(), add_special_tokens=False)["input_ids"][:TOKENS + 1])
        total = nats(model, ids)
        texts[file.name] = {"tokens": TOKENS, "nats": total, "perplexity": math.exp(total / TOKENS)}
        print(file.name, texts[file.name])
    OUT.write_text(json.dumps({"window": WINDOW, "texts": texts}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
