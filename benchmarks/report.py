"""Tables and JSON of a comparison: numbers of this run, and ratios with their spread."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from statistics import median
from typing import TYPE_CHECKING, Any

from benchmarks.own import OWN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.columns import Column
    from benchmarks.serving import Measured, Results

_NAME = 24


@dataclass(frozen=True)
class Ratio:
    """A ratio in each round: the middle one, and how far they went."""

    values: tuple[float, ...]

    @property
    def median(self) -> float:
        """The middle one."""
        return median(self.values)

    def __str__(self) -> str:
        return f"{self.median:.2f} ({min(self.values):.2f} to {max(self.values):.2f})"


def throughput_ratio(ours: Sequence[Measured], theirs: Sequence[Measured]) -> Ratio:
    """How many times as many requests a second `ours` answers, round by round; more is better."""
    pairs = zip(ours, theirs, strict=True)
    return Ratio(tuple(own.loaded.requests_per_s / peer.loaded.requests_per_s for own, peer in pairs))


def alone_ratio(ours: Sequence[Measured], theirs: Sequence[Measured]) -> Ratio:
    """How many times as long one request alone takes with `ours`, round by round; less is better."""
    return Ratio(tuple(own.alone.p50 / peer.alone.p50 for own, peer in zip(ours, theirs, strict=True)))


def best_peer(lines: dict[str, list[Measured]], peers: Sequence[str]) -> str | None:
    """The peer that answers most requests; None if none could be measured."""
    known = [name for name in peers if name in lines]
    return max(known, key=lambda name: _requests(lines[name]), default=None)


def column_table(column: Column, results: Results, *, peers: Sequence[str]) -> str:
    """All lines of one column, the quickest first, then those that could not be measured."""
    lines = results.rounds.get(column.name, {})
    ours = lines.get(OWN)
    head = f"{f'{column.connections} connections':>15} {'p50':>9} {'p99':>9} {'p50 of 1':>9}   infer is"
    out = [column.title, f"  {'':{_NAME}} {head}"]
    for name, found in sorted(lines.items(), key=lambda item: -_requests(item[1])):
        ratio = throughput_ratio(ours, found) if ours and name != OWN else ""
        out.append(f"  {name:{_NAME}} {_numbers(found)}   {ratio}".rstrip())
    out += [
        f"  {name:{_NAME}} could not: {reason}"
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
    """How many times as many requests infer answers as each of `names`: a row each, a column each."""
    titles = "".join(f" {column.title} |" for column in columns)
    out = [f"| infer's requests a second, over those of |{titles}", "| --- |" + " ---: |" * len(columns)]
    for name in names:
        cells = "".join(f" {_cell(results, column, name)} |" for column in columns)
        out.append(f"| {name} |{cells}")
    return "\n".join(out)


def as_json(columns: Sequence[Column], results: Results, *, peers: Sequence[str]) -> dict[str, Any]:
    """All that was found, by column."""
    return {column.name: _column_json(column, results, peers) for column in columns}


def _column_json(column: Column, results: Results, peers: Sequence[str]) -> dict[str, Any]:
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
