#!/usr/bin/env python3
"""Draws a result of bench.py: chart.py RESULT.json CHART.svg. Needs matplotlib."""

import json
import sys
from pathlib import Path

import matplotlib.pyplot as plt

OURS, PEER = "#c0392b", "#9aa5b1"


def values(rows, ours, peer):
    return [row[ours] or 0 for row in rows], [row[peer] or 0 for row in rows]


def main(source, target):
    data = json.loads(Path(source).read_text())
    rows = [row for row in data["rows"] if row["ns"] or row["peer_ns"]]
    shares = all(row["peak_pct"] is not None or row["ns"] is None for row in rows)
    if shares:
        ours, peer = values(rows, "peak_pct", "peer_pct")
        axis = "% of the peak measured in the same run"
    else:
        ours, peer = ([x / 1e3 for x in side] for side in values(rows, "ns", "peer_ns"))
        axis = "µs"
    plt.rcParams |= {"font.size": 9, "svg.fonttype": "none", "font.family": "sans-serif"}
    figure, axes = plt.subplots(figsize=(9, 1.2 + 0.32 * len(rows)), layout="constrained")
    at = range(len(rows))
    axes.barh([y - 0.19 for y in at], ours, 0.36, color=OURS, label="brick")
    if any(peer):
        axes.barh([y + 0.19 for y in at], peer, 0.36, color=PEER, label=data["peer"] or "peer")
    axes.set_yticks(list(at), [row["problem"] for row in rows])
    axes.invert_yaxis()
    if not shares:
        axes.set_xscale("log")
    axes.set_xlabel(axis)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="x", alpha=0.3)
    axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
    threads = f"{data['threads']} thread" + "s" * (data["threads"] > 1)
    axes.set_title(f"{data['title']} ({data['processor']}, {threads})", loc="left", fontsize=10)
    figure.savefig(target, metadata={"Date": None})


if __name__ == "__main__":
    main(*sys.argv[1:])
