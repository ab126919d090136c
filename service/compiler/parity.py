"""Compares a function with the model that it stands for, on rows where they would differ first.

Those are rows on both sides of every threshold that is tried, at zero, far out, with missing values where
the model takes them, and with each category, known and unknown.
"""

from __future__ import annotations

import random
from dataclasses import astuple, dataclass
from datetime import datetime
from itertools import chain
from typing import TYPE_CHECKING, Any, Callable

import numpy as np

from service.compiler.convert import candidates
from service.compiler.functions import Outcome
from service.compiler.row_program import make_row_program
from service.errors import NotCompilable
from service.schema.features import is_mixed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from service.compiler.functions import Array, Ask, Fitted
    from service.native.row_program import RowProgram
    from service.schema.features import Feature, Value

    # An array of numbers, or lists of values.
    Rows = Any

# Relative to the larger of 1 and the value: twelve digits. A label is never another.
TOLERANCE = 1e-12
ROWS = 192
FEWEST_ROWS = 96
SEED = 20260101
SPREAD = (
    0.0,
    -0.0,
    1.0,
    -1.0,
    0.5,
    1e-300,
    1e-30,
    1e-6,
    -1e-6,
    3.0,
    10.0,
    -10.0,
    100.0,
    1e4,
    -1e4,
    1e9,
    -1e30,
)
TEXTS = ("", "another", "ä")
DATES = (datetime(2026, 1, 31), datetime(1999, 12, 31, 23, 59, 59))  # noqa: DTZ001 (the model's have no zone)


@dataclass(frozen=True)
class Difference:
    """How far answers are from those of the model: other labels, and the largest difference of numbers."""

    labels: int = 0
    values: float = 0.0
    probabilities: float = 0.0

    @property
    def largest(self) -> float:
        """The largest difference of any number."""
        return max(self.values, self.probabilities)

    def or_larger(self, other: Difference) -> Difference:
        """Give the larger of each."""
        return Difference(*map(max, astuple(self), astuple(other)))

    def check(self) -> None:
        """Raise `NotCompilable` if it is too large."""
        if self.labels:
            raise NotCompilable("it gave another label")
        # Also not a number is not within the tolerance.
        if not (self.values <= TOLERANCE and self.probabilities <= TOLERANCE):
            raise NotCompilable(f"its answers differ by {self.largest:.1e}")


@dataclass(frozen=True)
class Trial:
    """Rows as a function takes them, and what the model itself answers."""

    rows: Rows
    wanted: Outcome

    def judge(self, ask: Ask) -> Difference:
        """Give the largest differences, of single rows and of all; raise `NotCompilable` if too large."""
        together = ask(self.rows)
        if together is None:
            raise NotCompilable("some rows are for the model alone to judge")
        alone = [ask(self.rows[at : at + 1]) for at in range(0, len(self.rows), 7)]
        some = Outcome(*(None if part is None else part[::7] for part in self.wanted))
        single = Outcome(
            *(
                None if parts[0] is None else np.concatenate(parts)
                for parts in zip(*(outcome for outcome in alone if outcome))
            )
        )
        differences = (compare(together, self.wanted), compare(single, some))
        for difference in differences:
            difference.check()
        return differences[0].or_larger(differences[1])


@dataclass(frozen=True)
class Program:
    """A model's own arithmetic, tried: the largest difference from the model that was seen.

    `row_program` does the same for one row, where there is such a path.
    """

    ask: Ask
    largest_difference: float
    trial: Trial
    row_program: RowProgram | None = None


def compile_estimator(
    model: Fitted,
    features: Sequence[Feature],
    reference: Callable[[list[list[Value]]], Outcome],
) -> Program:
    """Find the function that answers as the model does; raise `NotCompilable` if there is none.

    `reference` gives the model's own answers. The function takes an array if all features are numbers, else
    lists of values as the reference does.
    """
    made = candidates(model, features)
    first = next(made)
    # Rows that it leaves to the model may be such that the model refuses them.
    rows = [row for row in trial_rows(model, features) if first(as_taken([row], features)) is not None]
    if len(rows) < FEWEST_ROWS:
        raise NotCompilable("most rows are for the model alone to judge")
    trial = Trial(as_taken(rows, features), reference(rows))
    reasons = []
    for ask in chain([first], made):
        try:
            return try_program(ask, trial)
        except NotCompilable as error:  # noqa: PERF203 (there are two at most)
            reasons.append(str(error))
    raise NotCompilable(reasons[0])


def try_program(ask: Ask, trial: Trial) -> Program:
    """Try a function, and its row program; raise `NotCompilable` if the function differs."""
    difference = trial.judge(ask)
    path = make_row_program(ask, trial.rows.shape[1]) if isinstance(trial.rows, np.ndarray) else None
    return Program(ask, difference.largest, trial, path if path is None or _is_right(path, trial) else None)


def _is_right(path: RowProgram, trial: Trial) -> bool:
    """Tell whether the path of one row is right; it may leave some rows to the other one, but not all."""
    try:
        difference = compare_rows(path, trial)
        if difference is not None:
            difference.check()
    except (NotCompilable, ValueError):
        return False
    return difference is not None


def compare_rows(path: RowProgram, trial: Trial) -> Difference | None:
    """Compare what the path of one row answers with the model; None if it leaves all rows to others."""
    answers = [path.answer(row) for row in trial.rows.tolist()]
    answered = [at for at, answer in enumerate(answers) if answer is not None]
    if not answered:
        return None
    positions, numbers = zip(*(answer for answer in answers if answer is not None))
    expected = Outcome(*(None if part is None else part[answered] for part in trial.wanted))
    made = np.array(numbers)
    if expected.values.dtype.kind in "iu":
        return compare(Outcome(np.array(positions), made if made.size else None), expected)
    return compare(Outcome(made.reshape(expected.values.shape)), expected)


def as_taken(rows: list[list[Value]], features: Sequence[Feature]) -> Rows:
    """Give rows as a short path takes them: as an array of numbers, NaN for None, unless they are mixed."""
    return rows if is_mixed(features) else np.array(rows, dtype=np.float64)


def compare(found: Outcome, wanted: Outcome) -> Difference:
    """Compare answers with those of the model; raise `NotCompilable` if they are of another shape."""
    values, expected = np.asarray(found.values), np.asarray(wanted.values)
    if values.shape != expected.shape:
        raise NotCompilable(f"its answers have the shape {values.shape} instead of {expected.shape}")
    if (found.probabilities is None) != (wanted.probabilities is None):
        raise NotCompilable("only one of the two has probabilities")
    largest = 0.0
    if found.probabilities is not None and wanted.probabilities is not None:
        if found.probabilities.shape != wanted.probabilities.shape:
            raise NotCompilable("its probabilities are of another shape")
        largest = _largest(found.probabilities, wanted.probabilities)
    if values.dtype.kind in "iu":
        return Difference(int((values != expected).sum()), 0.0, largest)
    return Difference(0, _largest(values, expected), largest)


def _largest(found: Array, expected: Array) -> float:
    both_missing = np.isnan(found) & np.isnan(expected)
    same = both_missing | (found == expected)
    difference = np.where(same, 0.0, np.abs(found - expected) / np.maximum(1.0, np.abs(expected)))
    return float(difference.max(initial=0.0))


def trial_rows(model: Fitted, features: Sequence[Feature]) -> Iterator[list[Value]]:
    """Give rows of valid values, always the same for a model."""
    chance = random.Random(SEED)  # noqa: S311 (nothing is secret)
    edges = _edges(model, len(features))
    pools = [_pool(feature, edges.get(at, ())) for at, feature in enumerate(features)]
    centers = _centers(model, len(features))
    for number in range(ROWS):
        yield [
            _value(chance, feature, pool, center, is_wild=number % 3 == 0)
            for feature, pool, center in zip(features, pools, centers)
        ]


def _value(
    chance: random.Random,
    feature: Feature,
    pool: list[Value],
    center: tuple[float, float],
    *,
    is_wild: bool,
) -> Value:
    if feature.type == "number" and feature.categories is None and not (is_wild or chance.random() < 0.3):  # noqa: PLR2004
        mean, scale = center
        return chance.gauss(mean, scale)
    return chance.choice(pool)


def _pool(feature: Feature, edges: Sequence[float]) -> list[Value]:
    gaps: list[Value] = [None] if feature.nullable else []
    if feature.categories is not None:
        known = list(feature.categories[:64])
        is_text = all(isinstance(value, str) for value in known)
        others: list[Value] = ["a category that nobody knows"] if feature.is_open and is_text else []
        return [*known, *others, *gaps] or [None]
    if feature.type == "number":
        return [*SPREAD, *edges, *edges, *gaps]
    pools: dict[str, list[Value]] = {
        "boolean": [True, False],
        "text": [*TEXTS],
        "date": [*DATES],
        "any": [0.0, 1.0, 2.0],
    }
    return [*pools[feature.type], *gaps]


def _edges(model: Fitted, count: int) -> dict[int, list[float]]:
    """Give thresholds by feature, each with its neighbours, of trees that see the features themselves."""
    found: dict[int, list[float]] = {}
    for features, thresholds in _thresholds(getattr(model, "best_estimator_", model)):
        for feature, threshold in zip(features.tolist(), thresholds.tolist()):
            values = found.setdefault(feature, [])
            if feature < count and len(values) < 3 * ROWS and abs(threshold) < 1e30:  # noqa: PLR2004 (no edge)
                near = np.float32(threshold)
                values += [
                    threshold,
                    float(np.nextafter(threshold, np.inf)),
                    float(np.nextafter(near, np.float32(np.inf))),
                    float(near),
                ]
    return found


def _thresholds(model: Fitted) -> Iterator[tuple[Array, Array]]:
    stages = getattr(model, "_predictors", None)
    if stages is not None:
        for stage in stages[:50]:
            for predictor in stage:
                inner = ~predictor.nodes["is_leaf"].astype(bool)
                yield predictor.nodes["feature_idx"][inner], predictor.nodes["num_threshold"][inner]
        return
    trees = getattr(model, "estimators_", [model] if hasattr(model, "tree_") else [])
    for tree in np.ravel(np.asarray(trees, dtype=object))[:50]:
        if hasattr(tree, "tree_"):
            inner = tree.tree_.children_left >= 0
            yield tree.tree_.feature[inner], tree.tree_.threshold[inner]


def _centers(model: Fitted, count: int) -> list[tuple[float, float]]:
    """Give where the numbers of each feature lie, as far as a scaler at the front says it."""
    steps = getattr(getattr(model, "best_estimator_", model), "steps", ())
    parts = [model, *(part for _, part in steps)]
    for part in parts:
        means = getattr(part, "mean_", getattr(part, "theta_", None))
        scales = getattr(part, "scale_", None)
        if means is not None and np.shape(means)[-1] == count:
            means = np.mean(means, axis=0) if np.ndim(means) > 1 else means
            spread = scales if scales is not None and np.shape(scales) == np.shape(means) else np.ones(count)
            return [(float(mean), 2.0 * abs(float(scale)) or 1.0) for mean, scale in zip(means, spread)]
    return [(0.0, 3.0)] * count
