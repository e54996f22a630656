"""Draws docs/results/quality.svg from the CSV file beside it.

    python plot_quality.py

The CSV is what `greenroom perplexity --csv` wrote; docs/quality.md has the command. Ratios are geometric means over the
texts, against exact routing of the same tokens.
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


def main() -> None:
    points = defaultdict(lambda: defaultdict(list))
    for row in csv.DictReader(open(RESULTS / "quality.csv")):
        points[row["budget"]][row["routing"]].append((float(row["bytes_per_token"]) / 2 ** 20, float(row["ratio"])))
    figure, axes = plt.subplots(figsize=(7, 4.2))
    for marker, (budget, routings) in zip("Dos^vP", points.items()):
        read = [np.mean([b for b, _ in rows]) for rows in routings.values()]
        loss = [100 * (np.exp(np.mean([np.log(r) for _, r in rows])) - 1) for rows in routings.values()]
        axes.plot(read, loss, marker=marker, label=f"{budget} of the experts")
        axes.annotate(list(routings)[-1], (read[-1], loss[-1]), textcoords="offset points", xytext=(6, 0), fontsize=8)
    axes.set_xlabel("MiB read for a token (from right to left: exact, biased 0.05, 0.15, 0.3, 0.5, 1, resident)")
    axes.set_ylabel("perplexity above exact, %")
    axes.set_yscale("symlog", linthresh=1)
    axes.grid(alpha=0.3)
    axes.legend()
    figure.tight_layout()
    figure.savefig(RESULTS / "quality.svg", metadata={"Date": None})


if __name__ == "__main__":
    main()
