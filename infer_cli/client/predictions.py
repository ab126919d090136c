"""The predictions of a service for rows, with what it remarks about single rows."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypedDict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infer_cli.client.rows import Row

# A service lists no more warnings than this in one answer, and counts no further ones.
WARNINGS_LISTED = 50


class PredictionRecord(TypedDict, total=False):
    """The answer of `POST /prediction`."""

    predictions: list[object]
    probabilities: list[object]
    decision_function: list[object]
    score_samples: list[object]
    distances: list[object]
    warnings: list[dict[str, object]]
    non_finite: list[dict[str, object]]
    non_finite_count: int


@dataclass(frozen=True)
class Predictions:
    """The predictions for rows, in the order of the rows.

    `probabilities` holds a dictionary by class for each row, or a list of dictionaries for a model of
    several outputs. It is None for a model without probabilities. `warnings` and `non_finite` are about
    single rows: each has a `row`, counted from 0. The entries of `non_finite` say which value of an answer is
    infinite or NaN, where JSON has null. `scores` are the numbers that an outlier detector, a mixture or a
    neighbours model gives beside the prediction of each row, by name.
    """

    predictions: list[object]
    probabilities: list[object] | None
    warnings: list[Row] = field(default_factory=list)
    non_finite: list[Row] = field(default_factory=list)
    scores: dict[str, list[object]] = field(default_factory=dict)

    @classmethod
    def of(cls, record: PredictionRecord) -> Predictions:
        """Read the answer of `POST /prediction`."""
        scores: dict[str, list[object] | None] = {
            "decision_function": record.get("decision_function"),
            "score_samples": record.get("score_samples"),
            "distances": record.get("distances"),
        }
        return cls(
            record["predictions"],
            record.get("probabilities"),
            record.get("warnings") or [],
            record.get("non_finite") or [],
            {name: given for name, given in scores.items() if given is not None},
        )

    def warnings_of(self, index: int) -> list[Row]:
        """The warnings about one row."""
        return self._by_row[0].get(index, [])

    def non_finite_of(self, index: int) -> list[Row]:
        """The values in the answer to one row that are infinite or NaN."""
        return self._by_row[1].get(index, [])

    def followed_by(self, other: Predictions) -> Predictions:
        """The predictions for these rows and then for the rows of `other`."""
        count = len(self.predictions)
        probabilities = [*(self.probabilities or ()), *(other.probabilities or ())]
        return Predictions(
            self.predictions + other.predictions,
            probabilities or None,
            self.warnings + _moved(other.warnings, count),
            self.non_finite + _moved(other.non_finite, count),
            {name: given + other.scores[name] for name, given in self.scores.items()},
        )

    @cached_property
    def _by_row(self) -> tuple[dict[int, list[Row]], dict[int, list[Row]]]:
        return _by_row(self.warnings), _by_row(self.non_finite)


def is_cut_short(record: PredictionRecord) -> bool:
    """Whether there may be more warnings or values that are not finite than an answer lists."""
    listed = record.get("non_finite") or []
    return len(record.get("warnings") or []) >= WARNINGS_LISTED or record.get(
        "non_finite_count", len(listed)
    ) > len(listed)


class Remarks:
    """Counts what the answers to all rows of a file remarked, to say it once at the end.

    `saved` are the counts of an earlier process, as `counts` gave them.
    """

    def __init__(self, saved: Mapping[str, Any] | None = None) -> None:
        counts = saved or {}
        self._warned = int(counts.get("warned", 0))
        self._unknown: Counter[str] = Counter(counts.get("unknown"))
        self._other: Counter[str] = Counter(counts.get("other"))
        self._non_finite: Counter[str] = Counter(counts.get("non_finite"))

    @property
    def counts(self) -> dict[str, object]:
        """All counts, in JSON's types."""
        return {
            "warned": self._warned,
            "unknown": self._unknown,
            "other": self._other,
            "non_finite": self._non_finite,
        }

    def add(self, answer: Predictions) -> None:
        """Count the remarks of one answer."""
        self._warned += len({warning.get("row") for warning in answer.warnings})
        for warning in answer.warnings:
            name, problem = str(warning.get("field")), str(warning.get("problem"))
            if problem == "unknown_category":
                self._unknown[name] += 1
            else:
                self._other[f"{name}: {problem}"] += 1
        self._non_finite.update(str(entry.get("value")) for entry in answer.non_finite)

    def lines(self) -> list[str]:
        """One sentence for each kind of remark."""
        lines = []
        if self._unknown:
            rows = "1 row has" if self._warned == 1 else f"{self._warned} rows have"
            lines.append(f"{rows} categories the model does not know: {_counted(self._unknown)}")
        if self._other:
            lines.append(f"warnings: {_counted(self._other)}")
        if self._non_finite:
            count = self._non_finite.total()
            values = "1 value of the answers is" if count == 1 else f"{count} values of the answers are"
            lines.append(f"{values} not finite: {_counted(self._non_finite)}")
        return lines


def _counted(counts: Counter[str]) -> str:
    return ", ".join(f"{name} ({count})" for name, count in counts.most_common())


def _by_row(entries: list[Row]) -> dict[int, list[Row]]:
    found: dict[int, list[Row]] = {}
    for entry in entries:
        row = entry.get("row", 0)
        if isinstance(row, int):
            found.setdefault(row, []).append({name: value for name, value in entry.items() if name != "row"})
    return found


def _moved(entries: list[Row], by: int) -> list[Row]:
    return [
        {**entry, "row": row + by} if isinstance(row := entry.get("row", 0), int) else entry
        for entry in entries
    ]
