"""Tables and JSON of a comparison: the numbers of this run, and ratios with their spread."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from statistics import median
from typing import TYPE_CHECKING, TypedDict

from benchmarks.own import OWN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.columns import Column
    from benchmarks.serving import Measured, Results

_NAME_WIDTH = 24

LineReport = TypedDict(
    "LineReport",
    {
        # By round; None if infer itself could not be measured.
        "infer is": list[float] | None,
        # By round, "loaded" and "alone", each a `Slice`.
        "rounds": list[dict[str, dict[str, float]]],
    },
)
ColumnReport = TypedDict(
    "ColumnReport",
    {
        "title": str,
        "connections": int,
        "best peer": str | None,
        "problems": dict[str, str],
        "lines": dict[str, LineReport],
    },
)


@dataclass(frozen=True)
class Ratio:
    """The ratios of two servers, one for each round."""

    values: tuple[float, ...]

    @property
    def median(self) -> float:
        """The median of the ratios."""
        return median(self.values)

    def __str__(self) -> str:
        return f"{self.median:.2f} ({min(self.values):.2f} to {max(self.values):.2f})"


def throughput_ratio(ours: Sequence[Measured], theirs: Sequence[Measured]) -> Ratio:
    """The requests per second of `ours` divided by the same of `theirs`, by round; more is better."""
    pairs = zip(ours, theirs, strict=True)
    return Ratio(tuple(own.loaded.requests_per_s / peer.loaded.requests_per_s for own, peer in pairs))


def alone_ratio(ours: Sequence[Measured], theirs: Sequence[Measured]) -> Ratio:
    """The time of a single request with `ours` divided by the time with `theirs`; less is better."""
    return Ratio(tuple(own.alone.p50 / peer.alone.p50 for own, peer in zip(ours, theirs, strict=True)))


def best_peer(lines: dict[str, list[Measured]], peers: Sequence[str]) -> str | None:
    """The peer with the most requests per second, or None if no peer could be measured."""
    known = [name for name in peers if name in lines]
    return max(known, key=lambda name: _requests(lines[name]), default=None)


def column_table(column: Column, results: Results, *, peers: Sequence[str]) -> str:
    """All lines of one column: the fastest server first, and the servers with a problem last."""
    lines = results.rounds.get(column.name, {})
    ours = lines.get(OWN)
    head = f"{f'{column.connections} connections':>15} {'p50':>9} {'p99':>9} {'p50 of 1':>9}   infer is"
    out = [column.title, f"  {'':{_NAME_WIDTH}} {head}"]
    for name, found in sorted(lines.items(), key=lambda item: -_requests(item[1])):
        ratio = throughput_ratio(ours, found) if ours and name != OWN else ""
        out.append(f"  {name:{_NAME_WIDTH}} {_numbers(found)}   {ratio}".rstrip())
    out += [
        f"  {name:{_NAME_WIDTH}} could not: {reason}"
        for name, reason in sorted(results.problems.get(column.name, {}).items())
    ]
    best = best_peer(lines, peers)
    if ours and best:
        against = lines[best]
        out.append(
            f"  Against {best}, the best peer: {throughput_ratio(ours, against)} times the requests,"
            f" {alone_ratio(ours, against)} times the time of one alone"
        )
    return "\n".join(out)


def markdown_table(columns: Sequence[Column], results: Results, *, names: Sequence[str]) -> str:
    """A Markdown table of `throughput_ratio`, with a row for each name and a column for each of `columns`."""
    titles = "".join(f" {column.title} |" for column in columns)
    out = [f"| infer's requests a second, over those of |{titles}", "| --- |" + " ---: |" * len(columns)]
    for name in names:
        cells = "".join(f" {_cell(results, column, name)} |" for column in columns)
        out.append(f"| {name} |{cells}")
    return "\n".join(out)


def as_json(columns: Sequence[Column], results: Results, *, peers: Sequence[str]) -> dict[str, ColumnReport]:
    """All results, by column, for the JSON file."""
    return {column.name: _column_json(column, results, peers) for column in columns}


def _column_json(column: Column, results: Results, peers: Sequence[str]) -> ColumnReport:
    lines = results.rounds.get(column.name, {})
    ours = lines.get(OWN)
    return {
        "title": column.title,
        "connections": column.connections,
        "best peer": best_peer(lines, peers),
        "problems": results.problems.get(column.name, {}),
        "lines": {
            name: {
                "infer is": list(throughput_ratio(ours, found).values) if ours else None,
                "rounds": [asdict(measured) for measured in found],
            }
            for name, found in sorted(lines.items())
        },
    }


def _cell(results: Results, column: Column, name: str) -> str:
    lines = results.rounds.get(column.name, {})
    if name not in lines or OWN not in lines:
        return "could not" if {name, OWN} & results.problems.get(column.name, {}).keys() else ""
    return str(throughput_ratio(lines[OWN], lines[name]))


def _requests(found: Sequence[Measured]) -> float:
    return median(measured.loaded.requests_per_s for measured in found)


def _numbers(found: Sequence[Measured]) -> str:
    p50, p99, alone = (
        median(values)
        for values in zip(*((one.loaded.p50, one.loaded.p99, one.alone.p50) for one in found), strict=True)
    )
    return f"{_requests(found):11.0f} r/s {p50:6.1f} ms {p99:6.1f} ms {alone:6.2f} ms"
