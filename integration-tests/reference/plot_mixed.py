"""Draws docs/results/mixed-precision.svg from the CSV file beside it.

    python plot_mixed.py

Each line of the CSV is one run of `greenroom perplexity`; docs/quality.md has the commands. Ratios are geometric means
over the texts, against exact routing in full precision of the same tokens.
"""
import csv
from collections import defaultdict
from pathlib import Path

import matplotlib
import numpy as np

matplotlib.use("svg")
matplotlib.rcParams["svg.hashsalt"] = "mixed"  # the same file for the same figures
import matplotlib.pyplot as plt  # noqa: E402

RESULTS = Path(__file__).resolve().parent.parent.parent / "docs/results"
LINES = {
    "exact": ("exact", "black", "o"),
    "q4_0": ("Q4_0 copies", "tab:blue", "s"),
    "q2_g32": ("2-bit copies", "tab:green", "^"),
    "biased": ("routing biased:0.15", "tab:orange", "v"),
}


def main() -> None:
    rows = list(csv.DictReader(open(RESULTS / "mixed-precision.csv")))
    exact = {row["text"]: float(row["perplexity"]) for row in rows if row["setting"] == "exact"}
    points = defaultdict(lambda: defaultdict(list))
    for row in rows:
        if row["setting"] in LINES:
            budget = float(row["budget"].rstrip("%"))
            points[row["setting"]][budget].append(
                (float(row["bytes_per_token"]) / 2 ** 20, float(row["perplexity"]) / exact[row["text"]]))
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.2))
    for setting, (label, colour, marker) in LINES.items():
        budgets = sorted(points[setting])
        read = [np.mean([b for b, _ in points[setting][budget]]) for budget in budgets]
        loss = [100 * (np.exp(np.mean([np.log(r) for _, r in points[setting][budget]])) - 1) for budget in budgets]
        left.plot(budgets, read, color=colour, marker=marker, label=label)
        right.plot(read, loss, color=colour, marker=marker, label=label)
    left.set_xlabel("expert budget, % of all experts")
    left.set_ylabel("MiB read for a token")
    left.legend()
    right.set_xlabel("MiB read for a token")
    right.set_ylabel("perplexity above exact, %")
    for axes in (left, right):
        axes.grid(alpha=0.3)
    left.set_ylim(bottom=0)
    figure.tight_layout()
    figure.savefig(RESULTS / "mixed-precision.svg", metadata={"Date": None})


if __name__ == "__main__":
    main()
