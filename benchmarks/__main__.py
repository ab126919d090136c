"""`make bench`: measures infer, and compares its service with other servers. See docs/benchmarks.md."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import overload, plot, report
from benchmarks.builds import builds
from benchmarks.columns import COLUMNS
from benchmarks.command_line import command_line
from benchmarks.environments import train_models
from benchmarks.estimators import ESTIMATORS, estimators
from benchmarks.images import images
from benchmarks.load import require_wrk
from benchmarks.own import BY_GET, PUBLISHED, OwnService, own_images
from benchmarks.peers import PEERS, TUNED
from benchmarks.problem import Problem
from benchmarks.protocols import PROTOCOL_COLUMNS, OwnProtocols
from benchmarks.serving import compare
from benchmarks.starts import starts

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from benchmarks.contender import Contender
    from benchmarks.peers.peer import Peer

_PARTS = ("cli", "build", "start", "serving", "images")
# These parts run only if they are named; the first one takes as long as all others together.
_ESTIMATORS = "estimators"
_PROTOCOLS = "protocols"
_OVERLOAD = "overload"


def main() -> None:
    """Measure the parts named on the command line; print the results, and write them as JSON and a plot."""
    options = _options()
    results: dict[str, Mapping[str, object]] = {}
    for part in options.parts or _PARTS:
        try:
            results[part] = _measure(part, options)
        except Problem as problem:
            # One part that cannot be measured does not stop the others.
            print(f"\n{part}: could not: {problem}")
            results[part] = {"could not": str(problem)}
        if options.json:
            options.json.write_text(json.dumps(results, indent=2) + "\n")


def _measure(part: str, options: argparse.Namespace) -> Mapping[str, object]:
    if part in _COMPARISONS:
        return _COMPARISONS[part](options)
    if part == "cli":
        return command_line()
    if part == "build":
        return builds()
    if part == "images":
        return images(train_models())
    models, name = train_models(), "logistic"
    with own_images(models, [name]) as tags, own_images(models, [name], compiled=True) as compiled:
        return starts(tags[name], compiled[name])


def _estimators(options: argparse.Namespace) -> Mapping[str, object]:
    peers, ranked = _peers(options)
    return estimators(options.estimators, peers, ranked, rounds=options.rounds, seconds=options.seconds)


def _serving(options: argparse.Namespace) -> Mapping[str, object]:
    require_wrk()
    models = train_models()
    columns = [column for column in COLUMNS if column.name in options.columns]
    peers, ranked = _peers(options)
    with own_images(models, [column.model for column in columns]) as tags:
        results = compare(
            [OwnService(tags), *peers], columns, models, rounds=options.rounds, seconds=options.seconds
        )
    names = [peer.name for peer in peers]
    for column in columns:
        print("\n" + report.column_table(column, results, peers=ranked))
    print("\n" + report.markdown_table(columns, results, names=[*names, PUBLISHED, BY_GET]))
    if options.plot:
        plot.draw(options.plot, columns, results, names=names)
    return report.as_json(columns, results, peers=ranked)


def _protocols(options: argparse.Namespace) -> Mapping[str, object]:
    require_wrk()
    models = train_models()
    peers, ranked = _peers(options)
    with own_images(models, [column.model for column in PROTOCOL_COLUMNS]) as tags:
        contenders: list[Contender] = [OwnProtocols(tags), *peers]
        results = compare(
            contenders, PROTOCOL_COLUMNS, models, rounds=options.rounds, seconds=options.seconds
        )
    for column in PROTOCOL_COLUMNS:
        print("\n" + report.column_table(column, results, peers=ranked))
    return report.as_json(PROTOCOL_COLUMNS, results, peers=ranked)


def _overload(options: argparse.Namespace) -> Mapping[str, object]:
    curve = overload.overload(rounds=options.rounds, seconds=options.seconds)
    print("\n" + overload.table(curve))
    if options.plot:
        plot.draw_overload(options.plot, curve)
    return overload.as_json(curve)


def _peers(options: argparse.Namespace) -> tuple[list[Peer], list[str]]:
    """The peers of the option `--peers`, and the names of the peers that can be the best one."""
    peers = [peer for peer in PEERS if peer.name in options.peers]
    return peers, [peer.name for peer in peers if peer.name != TUNED]


_COMPARISONS: dict[str, Callable[[argparse.Namespace], Mapping[str, object]]] = {
    "serving": _serving,
    _ESTIMATORS: _estimators,
    _PROTOCOLS: _protocols,
    _OVERLOAD: _overload,
}


def _options() -> argparse.Namespace:
    every_peer = [peer.name for peer in PEERS]
    known = (*_PARTS, _ESTIMATORS, _PROTOCOLS, _OVERLOAD)
    every_column = [column.name for column in COLUMNS]
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "parts", nargs="*", metavar="PART", help=f"any of {', '.join(known)}; default: all but the last three"
    )
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="visits of each server (3)")
    parser.add_argument("--seconds", type=float, default=4, metavar="S", help="load in each visit (4)")
    parser.add_argument("--peers", type=_some_of(every_peer), default=every_peer, metavar="A,B")
    parser.add_argument("--columns", type=_some_of(every_column), default=every_column, metavar="A,B")
    parser.add_argument("--estimators", type=_some_of(ESTIMATORS), default=ESTIMATORS, metavar="A,B")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all numbers there")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw serving or overload (.svg or .png)")
    options = parser.parse_args()
    if unknown := [part for part in options.parts if part not in known]:
        parser.error(f"unknown part {', '.join(unknown)}: choose from {', '.join(known)}")
    if options.rounds < 1 or options.seconds < 1:
        parser.error("--rounds and --seconds are at least 1")
    return options


def _some_of(known: Sequence[str]) -> Callable[[str], list[str]]:
    """A type for argparse: some of the known names, with commas between them."""

    def read(text: str) -> list[str]:
        names = [name for name in text.split(",") if name]
        if unknown := [name for name in names if name not in known]:
            raise argparse.ArgumentTypeError(f"unknown: {', '.join(unknown)}; there are {', '.join(known)}")
        return names

    return read


if __name__ == "__main__":
    main()
