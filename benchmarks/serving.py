"""Loads one server after another in each round, so that a machine that becomes slower slows all equally."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from benchmarks.columns import read_cases
from benchmarks.contender import check_answers
from benchmarks.load import drive
from benchmarks.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from benchmarks.columns import Case, Column
    from benchmarks.contender import Contender, Line
    from benchmarks.load import Slice


T = TypeVar("T")


@dataclass(frozen=True)
class Measured:
    """The result of one visit to a server: under load, and with a single connection."""

    loaded: Slice
    alone: Slice


@dataclass
class Results:
    """The results by column and line of the table; `problems` says why a line has none."""

    rounds: dict[str, dict[str, list[Measured]]] = field(default_factory=dict)
    problems: dict[str, dict[str, str]] = field(default_factory=dict)

    def add(self, column: str, line: str, measured: Measured) -> None:
        """Keep the result of one visit."""
        self.rounds.setdefault(column, {}).setdefault(line, []).append(measured)

    def fail(self, column: str, line: str, reason: str) -> None:
        """Keep the reason why a line has no result, and drop its results of earlier rounds."""
        self.rounds.get(column, {}).pop(line, None)
        self.problems.setdefault(column, {})[line] = reason


def compare(
    contenders: Sequence[Contender], columns: Sequence[Column], models: Path, *, rounds: int, seconds: float
) -> Results:
    """Visit all contenders in each round and column; a contender that fails is left out from then on."""
    results = Results()
    for contender in contenders:
        with _recording_problems(results, columns, contender.name):
            contender.prepare()
    for number in range(rounds):
        for column in columns:
            cases = read_cases(column, models)
            # Each round starts with another server, so that an effect of one server on the next is spread.
            for contender in _rotated(contenders, number):
                if contender.name in results.problems.get(column.name, {}):
                    continue
                print(f"Round {number + 1} of {rounds}: {column.name}: {contender.name}", file=sys.stderr)
                with _recording_problems(results, (column,), contender.name):
                    visit = _visit(contender, column, cases, number, seconds)
                    for line, measured in visit.items():
                        results.add(column.name, line, measured)
    return results


def _visit(
    contender: Contender, column: Column, cases: Sequence[Case], number: int, seconds: float
) -> dict[str, Measured]:
    """Measure all lines of a server; raises `Problem` if any of them fails."""
    with contender.running(column, cases) as lines:
        for line in lines:
            check_answers(line, cases)
        # A warm-up for every worker, and for servers that learn how long to wait for a batch.
        drive(lines[0].url, lines[0].requests, connections=column.connections, seconds=seconds)
        return {line.name: _measure(line, column, seconds) for line in _rotated(lines, number)}


def _measure(line: Line, column: Column, seconds: float) -> Measured:
    return Measured(
        loaded=drive(line.url, line.requests, connections=column.connections, seconds=seconds),
        alone=drive(line.url, line.requests, connections=1, seconds=seconds / 2),
    )


def _rotated(items: Sequence[T], number: int) -> list[T]:
    at = number % len(items)
    return [*items[at:], *items[:at]]


class _recording_problems:  # noqa: N801 (used like a function)
    """Catches a `Problem` of the block, and records it for `line` in each of `columns`."""

    def __init__(self, results: Results, columns: Iterable[Column], line: str) -> None:
        self._results, self._columns, self._line = results, columns, line

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        if not isinstance(error, Problem):
            return False
        for column in self._columns:
            self._results.fail(column.name, self._line, str(error))
            print(f"{column.name}: {self._line}: could not: {error}", file=sys.stderr)
        return True
