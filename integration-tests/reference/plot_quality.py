"""Draws docs/results/quality.svg from quality.csv and quality-speed.csv beside it.

    python plot_quality.py

Each line of quality.csv is one run of `greenroom perplexity`, each of quality-speed.csv one run of `greenroom generate`;
docs/quality.md has the commands. Ratios are geometric means over the texts, against exact routing of the same tokens.
"""
import csv
from collections import defaultdict
from pathlib import Path

import matplotlib
import numpy as np

matplotlib.use("svg")
matplotlib.rcParams["svg.hashsalt"] = "quality"  # the same file for the same figures
import matplotlib.pyplot as plt  # noqa: E402

RESULTS = Path(__file__).resolve().parent.parent.parent / "docs/results"
LINE = "33%"  # SwapMoE's: a third of the experts' bytes


def percent(budget: str) -> float:
    return float(budget.rstrip("%"))


def losses() -> dict:
    """routing -> budget -> (loss in %, MiB read for a token)"""
    rows = list(csv.DictReader(open(RESULTS / "quality.csv")))
    exact = {r["text"]: float(r["perplexity"]) for r in rows if r["routing"] == "exact"}
    logs, read = defaultdict(lambda: defaultdict(list)), defaultdict(lambda: defaultdict(list))
    for r in rows:
        logs[r["routing"]][r["budget"]].append(np.log(float(r["perplexity"]) / exact[r["text"]]))
        read[r["routing"]][r["budget"]].append(float(r["bytes_per_token"]) / 2**20)
    return {
        routing: {b: (100 * (np.exp(np.mean(v)) - 1), np.mean(read[routing][b])) for b, v in budgets.items()}
        for routing, budgets in logs.items()
    }


def speeds() -> dict:
    """model -> routing -> median tokens per second"""
    found = defaultdict(lambda: defaultdict(list))
    for r in csv.DictReader(open(RESULTS / "quality-speed.csv")):
        found[r["model"]][r["routing"]].append(float(r["tokens_per_second"]))
    return {m: {r: float(np.median(v)) for r, v in routings.items()} for m, routings in found.items()}


def main() -> None:
    lost = losses()
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(13, 4.2))
    colours = dict(zip(lost, ["black", "tab:green", "tab:blue", "tab:purple", "tab:orange", "tab:red"]))
    for routing, budgets in lost.items():
        order = sorted(budgets, key=percent)
        if routing != "exact":
            left.plot([percent(b) for b in order], [max(0.01, budgets[b][0]) for b in order], marker="o",
                      color=colours[routing], label=routing)
        middle.plot([percent(b) for b in order], [budgets[b][1] for b in order], marker="o",
                    color=colours[routing], label=routing)
    left.set_yscale("log")
    left.set_xlabel("expert budget, % of all experts")
    left.set_ylabel("perplexity above exact, %")
    middle.set_xlabel("expert budget, % of all experts")
    middle.set_ylabel("MiB read for a token")
    middle.set_ylim(bottom=0)
    middle.legend()
    for (model, routings), marker in zip(speeds().items(), "os^"):
        for routing, speed in routings.items():
            right.scatter(lost[routing][LINE][0], speed / routings["exact"], color=colours[routing], marker=marker)
        order = [r for r in lost if r in routings]
        right.plot([lost[r][LINE][0] for r in order], [routings[r] / routings["exact"] for r in order],
                   color="gray", linewidth=1, marker=marker, markersize=0, label=model)
    right.set_xscale("symlog", linthresh=1)
    right.set_xlabel(f"perplexity above exact, % (demo model, {LINE})")
    right.set_ylabel(f"times the speed of exact at {LINE}")
    right.set_ylim(bottom=0)
    right.legend()
    for axes in (left, middle, right):
        axes.grid(alpha=0.3)
    figure.tight_layout()
    figure.savefig(RESULTS / "quality.svg", metadata={"Date": None})


if __name__ == "__main__":
    main()
