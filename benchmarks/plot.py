"""Plots: the comparison with other servers, a service beyond its capacity, and a long run of one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.own import OWN
from benchmarks.report import throughput_ratio

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from matplotlib.figure import Figure

    from benchmarks.columns import Column
    from benchmarks.overload import Curve
    from benchmarks.serving import Results
    from benchmarks.soak import Sample

BLUE, ORANGE, GREY, BLACK = "#4878a8", "#c8782a", "#a0a0a0", "#202020"
_SMALL = 9


def draw(path: Path, columns: Sequence[Column], results: Results, *, names: Sequence[str]) -> None:
    """Write a plot with one group of bars for each column; the suffix of `path` chooses SVG or PNG.

    The error bars show the spread of the rounds.
    """
    shown = [column for column in columns if OWN in results.rounds.get(column.name, {})]
    figure = _figure(3.2 * max(1, len(shown)), 0.35 * len(names) + 1.6)
    axes = figure.subplots(1, max(1, len(shown)), sharey=True, squeeze=False)[0]
    for axis, column in zip(axes, shown, strict=False):
        lines = results.rounds[column.name]
        for name in reversed(names):
            if name not in lines:
                axis.barh(name, 0)
                continue
            ratio = throughput_ratio(lines[OWN], lines[name])
            spread = [[ratio.median - min(ratio.values)], [max(ratio.values) - ratio.median]]
            axis.barh(name, ratio.median, xerr=spread, color=BLUE, ecolor="#404040", capsize=2)
        axis.axvline(1, color=BLACK, linewidth=0.8)
        axis.set_title(column.title.replace(", ", "\n"), fontsize=_SMALL)
    figure.supxlabel("requests a second of infer, over those of the other", fontsize=_SMALL)
    _save(figure, path)


def draw_overload(path: Path, curve: Curve) -> None:
    """Write a plot of what is accepted and refused at each rate, and of the latencies of what is accepted.

    The lines are the medians of the rounds, and the dots the rounds. The suffix of `path` chooses SVG or PNG.
    """
    figure = _figure(8.4, 3.6)
    rates, latencies = figure.subplots(1, 2)
    offered = curve.middle("offered")
    rates.plot(offered, offered, color=GREY, linestyle=":", linewidth=1, label="sent")
    for axis, lines in (
        (
            rates,
            (
                ("accepted", "answered", BLUE),
                ("refused", "refused with 503", ORANGE),
                ("waiting", "waiting", GREY),
            ),
        ),
        (latencies, (("p99", "p99 of answers", ORANGE), ("p50", "p50 of answers", BLUE))),
    ):
        for name, label, color in lines:
            axis.plot(offered, curve.middle(name), color=color, label=label)
            for points in curve.rounds:
                dots = [getattr(point, name) for point in points]
                axis.plot(
                    [one.offered for one in points], dots, color=color, marker=".", markersize=3, linewidth=0
                )
        axis.axvline(1, color=BLACK, linewidth=0.8)
        axis.set_xlabel("requests sent a second, over the capacity", fontsize=_SMALL)
        axis.legend(fontsize=_SMALL, frameon=False)
    rates.set_ylim(bottom=0)
    latencies.set_yscale("log")
    rates.set_title("requests a second, over the capacity", fontsize=_SMALL)
    latencies.set_title("latency, over the median at the lowest rate", fontsize=_SMALL)
    _save(figure, path)


def draw_soak(path: Path, samples: Sequence[Sample]) -> None:
    """Write a plot of the memory and of the latencies over the time of a soak."""
    figure = _figure(8.4, 3.4)
    memory, latencies = figure.subplots(1, 2)
    minutes = [sample.seconds / 60 for sample in samples]
    memory.plot(minutes, [sample.memory_mib for sample in samples], color=BLUE)
    memory.set_title("memory of the service, MiB", fontsize=_SMALL)
    latencies.plot(minutes, [sample.p99_ms for sample in samples], color=ORANGE, label="p99")
    latencies.plot(minutes, [sample.p50_ms for sample in samples], color=BLUE, label="p50")
    latencies.set_title("latency of all requests, ms", fontsize=_SMALL)
    latencies.legend(fontsize=_SMALL, frameon=False)
    for axis in (memory, latencies):
        axis.set_xlabel("minutes", fontsize=_SMALL)
        axis.set_ylim(bottom=0)
    _save(figure, path)


def _figure(width: float, height: float) -> Figure:
    import matplotlib as mpl  # noqa: PLC0415 (slow to import)
    from matplotlib.figure import Figure  # noqa: PLC0415

    # A fixed salt for ids, so that the same results give the same bytes.
    mpl.rcParams["svg.hashsalt"] = "infer"
    return Figure(figsize=(width, height), layout="constrained")


def _save(figure: Figure, path: Path) -> None:
    figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)
