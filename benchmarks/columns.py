"""The columns of the comparison: in each, all servers serve one model, with a number of rows a request."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

# The number of different requests, so that no server can answer from a cache of its last answer.
_MOST_BODIES = 100


@dataclass(frozen=True)
class Column:
    """One column of the table; the number of `connections` loads every server to its limit."""

    name: str
    title: str
    model: str
    rows: int = 1
    connections: int = 64


COLUMNS = (
    Column("logistic", "iris, LogisticRegression, 1 row", "logistic"),
    Column("forest", "iris, RandomForest(100), 1 row", "forest"),
    Column("boosting", "30 columns, scaler and HistGradientBoosting, 1 row", "boosting"),
    Column("neighbors", "iris, KNeighbors (stays in scikit-learn), 1 row", "neighbors"),
    Column("table", "30 columns, scaler and HistGradientBoosting, 1000 rows", "boosting", 1000, 4),
)


@dataclass(frozen=True)
class Case:
    """The rows of one request, and the labels or numbers that the model predicts for them."""

    rows: tuple[tuple[float, ...], ...]
    labels: tuple[float, ...]


def read_cases(column: Column, models: Path) -> tuple[Case, ...]:
    """The cases of `column`, from the files that `train.py` wrote into `models`."""
    found = json.loads((models / column.model / "cases.json").read_text())
    rows, labels = found["rows"], found["labels"]
    starts = range(0, min(len(rows), _MOST_BODIES * column.rows), column.rows)
    return tuple(
        Case(
            rows=tuple(map(tuple, rows[start : start + column.rows])),
            labels=tuple(labels[start : start + column.rows]),
        )
        for start in starts
    )
