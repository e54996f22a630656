"""Draws loss.svg from the log of train_demo.py.

    python plot_loss.py RUN/log.csv loss.svg
"""
import csv
import sys

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt  # noqa: E402  the backend is chosen first


def main() -> None:
    plt.rcParams["svg.hashsalt"] = "greenroom"  # the same file for the same log
    rows = list(csv.DictReader(open(sys.argv[1], newline="")))
    figure, axes = plt.subplots(figsize=(7, 4))
    axes.plot([int(r["tokens"]) / 1e6 for r in rows], [float(r["train_loss"]) for r in rows], label="training mix",
              color="0.6")
    for name, colour in (("kjv", "tab:blue"), ("lexicon", "tab:orange"), ("java", "tab:green")):
        points = [(int(r["tokens"]) / 1e6, float(r[f"valid_{name}"])) for r in rows if r[f"valid_{name}"]]
        axes.plot(*zip(*points), marker="o", markersize=3, label=f"{name}, held out", color=colour)
    axes.set(xlabel="million tokens", ylabel="cross entropy, nats a token", ylim=(1, 7))
    axes.legend()
    figure.tight_layout()
    figure.savefig(sys.argv[2], metadata={"Date": None})


if __name__ == "__main__":
    main()
