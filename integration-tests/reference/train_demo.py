"""Trains the demo model on the CPU, for a given number of minutes.

    python train_demo.py WORK_FOLDER --minutes 75 [--threads 1] [--out RUN] [--check]

Reads WORK_FOLDER/tokens, writes WORK_FOLDER/RUN: log.csv, best/ and last/ (Transformers folders, float32). The learning
rate follows the clock, not the step count: warm up, hold, and fall to zero over the last 40 % of the time, so that
a busy machine costs steps but never leaves the run unfinished. "best" is the lowest held-out loss, averaged over
domains.
"""
import argparse
import csv
import json
import shutil
import time
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

from moe_model import Geometry, Model

DOMAINS = ["kjv", "lexicon", "java"]
# Share of the windows drawn from each file. Java text is the largest corpus; the lexicons, the smallest, would be
# learned by heart first.
MIX = {"kjv.raw": 0.17, "kjv.chat": 0.17, "lexicon.raw": 0.10, "lexicon.chat": 0.20, "java.raw": 0.17,
       "java.chat": 0.19}


class Windows:
    """Random windows of the training files. A conversation starts its window; raw text starts anywhere."""

    def __init__(self, tokens: Path, end_of_text: int, seed: int):
        self.rng = np.random.default_rng(seed)
        self.data, self.starts = {}, {}
        for name in MIX:
            ids = np.fromfile(tokens / f"{name}.train.bin", dtype=np.uint16)
            self.data[name] = ids
            starts = np.concatenate(([0], np.flatnonzero(ids == end_of_text)[:-1] + 1))
            self.starts[name] = starts[starts < len(ids) - 1030]

    def batch(self, rows: int, length: int):
        names = self.rng.choice(list(MIX), rows, p=np.array(list(MIX.values())) / sum(MIX.values()))
        out = np.empty((rows, length + 1), dtype=np.int64)
        for i, name in enumerate(names):
            if name.endswith(".chat") or self.rng.random() < 0.2:
                at = self.rng.choice(self.starts[name])
            else:
                at = self.rng.integers(0, len(self.data[name]) - length - 1)
            out[i] = self.data[name][at:at + length + 1]
        out = torch.from_numpy(out)
        return out[:, :-1].contiguous(), out[:, 1:].contiguous()


@torch.no_grad()
def held_out(model: Model, tokens: Path, limit=12288, length=256) -> dict[str, float]:
    """Mean cross entropy of each domain's held-out text, in windows of `length`."""
    model.eval()
    out = {}
    for d in DOMAINS:
        ids = torch.from_numpy(np.fromfile(tokens / f"{d}.raw.valid.bin", dtype=np.uint16).astype(np.int64))[:limit + 1]
        rows = (len(ids) - 1) // length
        x, y = ids[:rows * length].view(rows, length), ids[1:rows * length + 1].view(rows, length)
        losses = [model.loss(x[a:a + 16], y[a:a + 16])[0] * len(x[a:a + 16]) for a in range(0, rows, 16)]
        out[d] = float(sum(losses)) / rows
    model.train()
    return out


class Muon:
    """Momentum whose update is orthogonalised (Jordan et al. 2024), for matrices; stacks of matrices go in one batch.

    On so few tokens it learns clearly faster a step than AdamW, and its cost here is a tenth of a step.
    """

    def __init__(self, params, momentum=0.95, decay=0.0):
        self.params, self.momentum, self.decay = list(params), momentum, decay
        self.state = [torch.zeros_like(p) for p in self.params]

    @staticmethod
    def matrices(g):
        """gate_up [E, 2I, H] holds two matrices an expert that share a tensor: they are orthogonalised apart."""
        return g.view(2 * g.shape[0], g.shape[1] // 2, g.shape[2]) if g.dim() == 3 and g.shape[1] < g.shape[2] else g

    @staticmethod
    def orthogonalise(g):
        x = g.bfloat16()
        tall = x.shape[-2] > x.shape[-1]
        if tall:
            x = x.mT
        x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
        for a, b, c in ((4.0848, -6.8946, 2.9270), (3.9505, -6.3029, 2.6377), (3.7418, -5.5913, 2.3037),
                        (2.8769, -3.1427, 1.2046), (2.8366, -3.0525, 1.2012)):
            s = x @ x.mT
            x = a * x + (b * s + c * s @ s) @ x
        return (x.mT if tall else x).float()

    @torch.no_grad()
    def step(self, lr):
        for p, m in zip(self.params, self.state):
            m.lerp_(p.grad, 1 - self.momentum)
            g = self.matrices(p.grad.lerp(m, self.momentum))
            update = self.orthogonalise(g).view_as(p)
            # 0.2 * sqrt(larger side) gives AdamW's update size, so both share one learning rate (Liu et al. 2025).
            scale = 0.2 * max(g.shape[-2:]) ** 0.5
            p.mul_(1 - lr * self.decay).add_(update, alpha=-lr * scale)


def schedule(done: float, warm=0.02, hold=0.60) -> float:
    """Learning-rate factor at the fraction `done` of the time."""
    if done < warm:
        return done / warm
    return 1.0 if done < hold else max(0.0, (1 - done) / (1 - hold))


def save(model: Model, folder: Path, tokenizer: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    save_file(model.hf_state(), folder / "model.safetensors", metadata={"format": "pt"})
    config = model.g.hf_config()
    config.architectures = ["Qwen3MoeForCausalLM"]
    config.save_pretrained(folder)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(tokenizer / name, folder / name)


def check(work: Path) -> None:
    """Compares float32 logits with Transformers' on random weights, through a saved folder."""
    from transformers import Qwen3MoeForCausalLM
    torch.manual_seed(3)
    model = Model(Geometry(), compute=torch.float32)
    with torch.no_grad():
        for p in model.parameters():
            p.add_(torch.randn_like(p) * 0.05)
    save(model, work / "check", work / "tokens" / "tokenizer")
    other = Qwen3MoeForCausalLM.from_pretrained(work / "check", dtype=torch.float32, attn_implementation="eager").eval()
    ids = torch.randint(0, 4096, (2, 64))
    with torch.no_grad():
        ours, theirs = model.eval().logits(ids)[0], other(ids).logits.view(-1, 4096)
    print(f"largest difference {float((ours - theirs).abs().max()):.2e} at a logit spread of {float(theirs.std()):.2f}")
    assert (ours - theirs).abs().max() < 1e-3 * theirs.std()


def main() -> None:
    p = argparse.ArgumentParser()
    p.add_argument("work", type=Path)
    p.add_argument("--minutes", type=float, default=75)
    p.add_argument("--threads", type=int, default=1)
    p.add_argument("--out", default="run")
    p.add_argument("--lr", type=float, default=2e-3)
    p.add_argument("--decay", type=float, default=0.1)
    p.add_argument("--dropout", type=float, default=0.0)
    p.add_argument("--balance", type=float, default=0.01)
    p.add_argument("--tokens", type=int, default=4096, help="a step")
    p.add_argument("--eval-minutes", type=float, default=4)
    p.add_argument("--check", action="store_true")
    args = p.parse_args()
    torch.set_num_threads(args.threads)
    if args.check:
        check(args.work)
        return
    torch.manual_seed(7)
    tokens, out = args.work / "tokens", args.work / args.out
    out.mkdir(parents=True, exist_ok=True)
    model = Model(Geometry()).train()
    print(sum(x.numel() for x in model.parameters()), "parameters")
    matrices = [x for n, x in model.named_parameters() if n.split(".")[-1] in ("q", "k", "v", "o", "gate_up", "down")]
    ids = {id(x) for x in matrices}
    rest = [x for x in model.parameters() if id(x) not in ids]
    muon = Muon(matrices, decay=args.decay)
    adam = torch.optim.AdamW([{"params": [x for x in rest if x.dim() > 1], "weight_decay": args.decay},
                              {"params": [x for x in rest if x.dim() == 1], "weight_decay": 0.0}],
                             lr=args.lr, betas=(0.9, 0.95))
    windows = Windows(tokens, end_of_text=4093, seed=1)

    log = open(out / "log.csv", "w", newline="")
    writer = csv.writer(log)
    writer.writerow(["minutes", "step", "tokens", "lr", "train_loss", "balance", "z", *(f"valid_{d}" for d in DOMAINS)])
    start, best, seen, step, last_eval, since = time.time(), 1e9, 0, 0, time.time(), []
    while True:
        done = (time.time() - start) / (60 * args.minutes)
        if done >= 1:
            break
        length = 256 if done < 0.75 else 512  # longer windows only once the model can use them
        x, y = windows.batch(args.tokens // length, length)
        ce, balance, z = model.loss(x, y, args.dropout)
        (ce + args.balance * balance + 1e-4 * z).backward()
        torch.nn.utils.clip_grad_norm_(rest, 1.0)
        lr = args.lr * schedule(done)
        muon.step(lr)
        for group in adam.param_groups:
            group["lr"] = lr
        adam.step()
        model.zero_grad(set_to_none=True)
        seen, step = seen + x.numel(), step + 1
        since.append((ce.item(), balance.item(), z.item()))
        if step % 50 == 0 or step == 5:
            minutes, valid = (time.time() - start) / 60, {}
            if time.time() - last_eval > 60 * args.eval_minutes:
                valid, last_eval = held_out(model, tokens), time.time()
                mean = sum(valid.values()) / len(valid)
                if mean < best:
                    best = mean
                    save(model, out / "best", tokens / "tokenizer")
            row = [f"{minutes:.2f}", step, seen, f"{lr:.2e}", *(f"{v:.4f}" for v in np.mean(since, 0)),
                   *(f"{valid[d]:.4f}" if valid else "" for d in DOMAINS)]
            writer.writerow(row)
            log.flush()
            print(*row, flush=True)
            since = []
    valid = held_out(model, tokens)
    if sum(valid.values()) / len(valid) < best:
        save(model, out / "best", tokens / "tokenizer")
    save(model, out / "last", tokens / "tokenizer")
    (out / "summary.json").write_text(json.dumps({
        "minutes": (time.time() - start) / 60, "steps": step, "tokens": seen, "threads": args.threads,
        "valid_loss": valid, "arguments": {k: str(v) for k, v in vars(args).items()}}, indent=2) + "\n")
    print("held-out loss", valid)


if __name__ == "__main__":
    main()
