"""Rows for the proof of an image: usual values, made of what the parts of a fitted model have learned.

Numbers lie around the means, medians, bounds, bins and thresholds that the part which takes the column has
learned. Categories are known ones, and texts are words of a vocabulary. The rows for the trial of a program
(`trial_rows`) look for the limits of a model instead.
"""

from __future__ import annotations

import math
import random
import re
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any, Callable, cast

import numpy as np

from service.compiler.column_parts import column_parts
from service.compiler.trial_rows import CATEGORIES_MAX, DATES, tree_thresholds

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from service.compiler.functions import Fitted
    from service.schema.declared import DeclaredFeature
    from service.schema.features import Feature, Value

SEED = 20260102
# Numbers for a column of which no part tells anything.
PLAIN_NUMBERS = (0.0, 1.0, -1.0, 0.5, 2.0, 10.0)
PLAIN_DEVIATION = 3.0
# The share of missing values, where the model takes them.
GAPS_SHARE = 0.1
KNOWN_MAX = 256
WORDS_MAX = 256
TABLE_ROWS = 64
NODES_A_TREE = 512
# Larger numbers separate no values that occur, and would lose the digits of all others in a sum.
NUMBER_LIMIT = 1e9
XGBOOST_SPLIT = re.compile(r"\[(\S+?)<([-+.\deE]+)\]")
LIGHTGBM_RANGE = re.compile(r"\[([-+.\deE]+):([-+.\deE]+)\]")
# Attributes with one number for each column.
BY_COLUMN = ("mean_", "center_", "data_min_", "data_max_", "statistics_")
# Attributes with several numbers for each column: a list of arrays, or an array with a column for each.
LISTS_BY_COLUMN = ("bin_edges_", "bins_")
TABLES_BY_COLUMN = ("quantiles_", "theta_", "means_", "cluster_centers_", "centroids_", "_fit_X")


@dataclass
class Known:
    """What the parts tell of one column: numbers that occur in it, and words."""

    numbers: list[float] = field(default_factory=list)
    words: list[str] = field(default_factory=list)

    def add(self, numbers: Iterable[object]) -> None:
        """Add the usual ones of these numbers."""
        for number in numbers:
            with suppress(TypeError, ValueError):
                value = float(cast("float", number))
                if math.isfinite(value) and abs(value) < NUMBER_LIMIT and len(self.numbers) < KNOWN_MAX:
                    self.numbers.append(value)


def proof_rows(
    estimator: Fitted, features: Sequence[Feature], declared: Iterable[DeclaredFeature] = ()
) -> Iterator[list[Value]]:
    """Give rows of usual values without end, always the same rows for an estimator.

    What the user declared of a feature goes before what the parts tell of it.
    """
    chance = random.Random(SEED)  # noqa: S311 (nothing is secret)
    known = known_values(estimator, len(features))
    positions = {feature.name: at for at, feature in enumerate(features)}
    for told in declared:
        if told.name in positions:
            known[positions[told.name]] = _declared(told) or known[positions[told.name]]
    number = 0
    while True:
        yield [_value(chance, feature, told, number) for feature, told in zip(features, known)]
        number += 1


def known_values(estimator: Fitted, count: int) -> list[Known]:
    """Give what the parts of a model tell of each of its columns."""
    # The last one takes what is known of columns that do not stand in the rows.
    known = [Known() for _ in range(count + 1)]
    # A part of another library may have attributes of the same names with anything in them.
    with suppress(Exception):
        for part, columns in column_parts(estimator, list(range(count))):
            _read_words(part, columns, known)
            _read_numbers(part, columns, known)
            _read_trees(part, columns, known)
    return known[:count]


def _declared(told: DeclaredFeature) -> Known | None:
    known = Known(words=[told.example] if isinstance(told.example, str) else [])
    known.add(number for number in (told.low, told.high, told.example) if number is not None)
    return known if known.numbers or known.words else None


def _value(chance: random.Random, feature: Feature, known: Known, row: int) -> Value:
    if feature.dtype == "unused" or (feature.nullable and chance.random() < GAPS_SHARE):
        return None
    if feature.categories is not None:
        values = [value for value in feature.categories[:CATEGORIES_MAX] if not _is_gap(value)]
        return chance.choice(values) if values else None
    makers: dict[str, Callable[[], Value]] = {
        "number": lambda: _number(chance, feature, known),
        "boolean": lambda: chance.choice((False, True)),
        "date": lambda: chance.choice(DATES),
        "text": lambda: _text(chance, known),
        # Nothing is known of such a column. The model itself tells which of both it takes.
        "any": lambda: _text(chance, known) if row % 2 else _number(chance, feature, known),
    }
    return makers.get(feature.type, makers["text"])()


def _is_gap(value: Value) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def _number(chance: random.Random, feature: Feature, known: Known) -> float:
    if known.numbers:
        # Between two known numbers, or at one of them.
        one, other = chance.choice(known.numbers), chance.choice(known.numbers)
        number = one + (other - one) * chance.choice((0.0, 0.5, chance.random()))
    else:
        number = chance.choice((*PLAIN_NUMBERS, chance.gauss(0.0, PLAIN_DEVIATION)))
    if "int" in feature.dtype:
        number = float(round(number))
        return abs(number) if feature.dtype.startswith("u") else number
    return number


def _text(chance: random.Random, known: Known) -> str:
    if not known.words:
        return "some text"
    return " ".join(chance.choice(known.words) for _ in range(chance.randint(1, 4)))


def _read_words(part: Fitted, columns: list[int], known: list[Known]) -> None:
    vocabulary = getattr(part, "vocabulary_", None)
    if isinstance(vocabulary, dict):
        words = [word for word in islice(sorted(map(str, vocabulary)), WORDS_MAX) if word.strip()]
        for at in columns[:1]:
            known[at].words += words


def _read_numbers(part: Fitted, columns: list[int], known: list[Known]) -> None:
    count = len(columns)
    scales = _numbers_by_column(part, "scale_", count)
    for name in BY_COLUMN:
        for position, value in enumerate(_numbers_by_column(part, name, count)):
            known[columns[position]].add([value])
            if name in ("mean_", "center_") and scales:
                scale = 2 * float(scales[position])
                known[columns[position]].add([float(value) - scale, float(value) + scale])
    for name in LISTS_BY_COLUMN:
        edges = getattr(part, name, None)
        if edges is not None and len(edges) == count:
            for position, of_column in enumerate(edges):
                known[columns[position]].add(np.ravel(of_column).tolist())
    for name in TABLES_BY_COLUMN:
        table = getattr(part, name, None)
        if isinstance(table, np.ndarray) and table.ndim == 2 and table.shape[1] == count:  # noqa: PLR2004
            for position in range(count):
                known[columns[position]].add(table[:TABLE_ROWS, position].tolist())


def _numbers_by_column(part: Fitted, name: str, count: int) -> list[Any]:
    """Give the attribute of this name if it has a number for each column, else nothing."""
    values = getattr(part, name, None)
    return np.asarray(values).tolist() if values is not None and np.shape(values) == (count,) else []


def _read_trees(part: Fitted, columns: list[int], known: list[Known]) -> None:
    """Read the thresholds of trees, and the numbers on both sides of each."""
    for at, threshold in some_thresholds(part):
        if at < len(columns):
            known[columns[at]].add([threshold, threshold - abs(threshold) / 8, threshold + 0.5])
    for at, (low, high) in lightgbm_ranges(part, len(columns)):
        known[columns[at]].add([low, high, (low + high) / 2])
    for at, value in xgboost_thresholds(part):
        if at < len(columns):
            known[columns[at]].add([value, value - abs(value) / 8, value + 0.5])


def some_thresholds(part: Fitted) -> Iterator[tuple[int, float]]:
    """Give positions of columns with thresholds, spread over each tree: a forest may have millions."""
    for features, thresholds in tree_thresholds(part):
        step = len(features) // NODES_A_TREE + 1
        yield from zip(features[::step].tolist(), thresholds[::step].tolist())


def lightgbm_ranges(part: Fitted, count: int) -> Iterator[tuple[int, tuple[float, float]]]:
    """Give the range of each column of numbers in training, which a LightGBM model keeps."""
    booster = getattr(part, "_Booster", None)
    if not type(part).__module__.startswith("lightgbm") or booster is None:
        return
    text = booster.model_to_string(num_iteration=1)
    line = next((line for line in text.splitlines() if line.startswith("feature_infos=")), "")
    for at, found in zip(range(count), line.partition("=")[2].split()):
        bounds = lightgbm_range(found)
        if bounds is not None:
            yield at, bounds


def lightgbm_range(info: str) -> tuple[float, float] | None:
    """Give the two numbers of what a LightGBM model says of a column: `[4.3:7.9]`. Categories have none."""
    match = LIGHTGBM_RANGE.fullmatch(info)
    return (float(match[1]), float(match[2])) if match else None


def xgboost_thresholds(part: Fitted) -> Iterator[tuple[int, float]]:
    """Give the positions of columns in the first trees of an XGBoost model, each with a threshold."""
    if not type(part).__module__.startswith("xgboost") or not hasattr(part, "get_booster"):
        return
    booster = part.get_booster()
    names = {name: at for at, name in enumerate(booster.feature_names or ())}
    for tree in booster.get_dump()[:20]:
        for name, threshold in XGBOOST_SPLIT.findall(tree):
            at = names.get(name, int(name[1:]) if re.fullmatch(r"f\d+", name) else None)
            if at is not None:
                yield at, float(threshold)
