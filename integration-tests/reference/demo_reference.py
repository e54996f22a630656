"""Writes the exactness fixture of the demo model: what Transformers makes of the very file that is shipped.

    python demo_reference.py [MODEL.gguf]

The file is dequantised to float32 and run by Qwen3MoeForCausalLM in float32 with eager attention. The result,
integration-tests/src/test/resources/fixtures/demo/reference.json, holds
    prompts   text, ids, greedy (ids up to the limit, or up to and with the end token), stop ("length" or "eos"),
              decoded, top (20 pairs of id and logit at the last prompt position), min_gap (smallest lead of the winning
              logit on the way)
    chats     messages, add_generation_prompt, rendered, ids: the chat template as Transformers renders it
"""
import json
import sys
from pathlib import Path

import torch

import gguf_files

ROOT = Path(__file__).resolve().parent.parent
SHIPPED = ROOT / "demo-model/greenroom-demo-q8_0.gguf"
OUT = ROOT / "src/test/resources/fixtures/demo"


def user(text: str, system: str | None = None) -> list[dict]:
    return ([{"role": "system", "content": system}] if system else []) + [{"role": "user", "content": text}]


# name, prompt (text, or messages to render), most tokens to generate
PROMPTS = [
    ("kjv-raw", "And the LORD said unto Moses,", 128),
    ("lexicon-raw", "hacker n.\n1. A person who", 64),
    ("java-raw", "    /**\n     * Returns the", 128),
    ("kjv-chat", user("Write in the style of the King James Bible."), 128),
    ("lexicon-chat", user("What is a hacker?"), 64),
    ("java-chat", user("Write a Java class named Counter."), 128),
    ("lexicon-short-chat", user("How does the Devil's Dictionary define love?"), 64),
    ("java-short-chat", user("Write a Java method named getName.", "You are a helpful assistant."), 64),
    ("continue-chat", user("Continue: In the beginning God created the heaven and the earth."), 64),
    ("unicode-raw", "Ünïcode — “naïve” 日本 🙂 1234\n", 32),
]
CHATS = [
    (user("What does foo mean?"), True),
    (user("What does foo mean?"), False),
    (user("Write a Java class named Counter.", "You are a helpful assistant."), True),
    (user("Continue: And God said,") + [{"role": "assistant", "content": "Let there be light: and there was light."},
                                        {"role": "user", "content": "  Go on,\nplease. <3 "}], True),
]


@torch.no_grad()
def answer(model, tokenizer, name: str, text: str, limit: int) -> dict:
    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    logits = model(torch.tensor([ids]), use_cache=False).logits[0, -1]
    top = logits.topk(20)
    out = {"name": name, "text": text, "ids": ids, "greedy": [], "stop": "length",
           "top": [[int(i), float(v)] for i, v in zip(top.indices, top.values)], "min_gap": 1e9}
    eos = tokenizer.eos_token_id
    for _ in range(limit):
        best = logits.topk(2)
        out["min_gap"] = min(out["min_gap"], float(best.values[0] - best.values[1]))
        out["greedy"].append(int(best.indices[0]))
        if out["greedy"][-1] == eos:
            out["stop"] = "eos"
            break
        logits = model(torch.tensor([ids + out["greedy"]]), use_cache=False).logits[0, -1]
    out["decoded"] = tokenizer.decode(out["greedy"], skip_special_tokens=True)
    return out


def main() -> None:
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else SHIPPED
    torch.set_num_threads(1)
    model, tokenizer = gguf_files.qwen3_model(path), gguf_files.tokenizer(path)
    prompts = []
    for name, prompt, limit in PROMPTS:
        text = prompt if isinstance(prompt, str) else tokenizer.apply_chat_template(
            prompt, tokenize=False, add_generation_prompt=True)
        prompts.append(answer(model, tokenizer, name, text, limit))
        p = prompts[-1]
        print(f"--- {name}: {len(p['greedy'])} tokens, {p['stop']}, gap {p['min_gap']:.4f}\n{text}|{p['decoded']}")
        assert p["min_gap"] > 5e-3, "too close a race to ask of another engine: choose another prompt"
    chats = []
    for messages, generation in CHATS:
        rendered = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=generation)
        chats.append({"messages": messages, "add_generation_prompt": generation, "rendered": rendered,
                      "ids": tokenizer(rendered, add_special_tokens=False)["input_ids"]})
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / "reference.json").write_text(
        json.dumps({"model": path.name, "prompts": prompts, "chats": chats}, indent=1, ensure_ascii=False) + "\n",
        encoding="utf-8")


if __name__ == "__main__":
    main()
