"""Plots a comparison: requests per second of infer, divided by those of each other server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.own import OWN
from benchmarks.report import throughput_ratio

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from benchmarks.columns import Column
    from benchmarks.serving import Results


def draw(path: Path, columns: Sequence[Column], results: Results, *, names: Sequence[str]) -> None:
    """Write a plot with one group of bars for each column; the suffix of `path` chooses SVG or PNG.

    The error bars show the spread of the rounds.
    """
    import matplotlib as mpl  # noqa: PLC0415 (slow to import)
    from matplotlib.figure import Figure  # noqa: PLC0415

    # A fixed salt for ids, so that the same results give the same bytes.
    mpl.rcParams["svg.hashsalt"] = "infer"
    shown = [column for column in columns if OWN in results.rounds.get(column.name, {})]
    figure = Figure(figsize=(3.2 * max(1, len(shown)), 0.35 * len(names) + 1.6), layout="constrained")
    axes = figure.subplots(1, max(1, len(shown)), sharey=True, squeeze=False)[0]
    for axis, column in zip(axes, shown, strict=False):
        lines = results.rounds[column.name]
        for name in reversed(names):
            if name not in lines:
                axis.barh(name, 0)
                continue
            ratio = throughput_ratio(lines[OWN], lines[name])
            spread = [[ratio.median - min(ratio.values)], [max(ratio.values) - ratio.median]]
            axis.barh(name, ratio.median, xerr=spread, color="#4878a8", ecolor="#404040", capsize=2)
        axis.axvline(1, color="#202020", linewidth=0.8)
        axis.set_title(column.title.replace(", ", "\n"), fontsize=9)
    figure.supxlabel("requests a second of infer, over those of the other", fontsize=9)
    figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)
