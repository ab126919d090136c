"""What a sample of rows tells of a model's columns, where the model does not know it itself.

A sample is the file of `--examples`. A file without types, such as a CSV, tells a type only by how its values
are written: 1 is a whole number, and 1.0 is not.
"""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from infer_cli.client.answer_columns import PREDICTION, PROBABILITY
from infer_cli.client.cells import MISSING_WORDS
from infer_cli.client.row_files import format_of, read_table
from infer_cli.errors import ModelUnreadable
from infer_cli.inspection import NOTHING_DECLARED, Declared, DeclaredFeature, inspect_model

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from infer_cli.inspection import ColumnType, Plain

_BATCH_ROWS = 10_000
_INTEGERS = range(-(2**63), 2**63)
# A longer text is no example that a person reads.
_LONGEST_EXAMPLE = 200


def declared_with_sample(
    model: Path, examples: Path | None, declared: Declared = NOTHING_DECLARED
) -> Declared:
    """What is declared of a model, with what a file of rows tells besides.

    Of a model that knows its columns, only those are taken from the file, and otherwise all but the columns
    of expected answers. What is declared already stays. Raises `InferError` for a file that is no table, and
    `ModelUnreadable` for a model that cannot be read whatever is declared.
    """
    if examples is None:
        return declared
    sample = {feature.name: feature for feature in read_sample(examples)}
    try:
        inspection = inspect_model(model, declared)
    except ModelUnreadable:
        # Perhaps the model lacks what the sample tells. If it does not, the error comes again.
        known, names = declared, declared.names or list(sample)
    else:
        known = inspection.declared
        found = [feature.name for feature in inspection.features or ()]
        names = found or known.names or list(sample)
    given = {feature.name: feature for feature in known.features}
    features = [
        _filled(given.get(name), sample.get(name)) for name in names if name in given or name in sample
    ]
    return replace(known, features=tuple(feature for feature in features if feature is not None))


def _filled(given: DeclaredFeature | None, seen: DeclaredFeature | None) -> DeclaredFeature | None:
    """What is declared of a feature, with what only the sample tells."""
    if given is None or seen is None:
        return given or seen
    bounds = replace(
        given,
        low=seen.low if given.low is None else given.low,
        high=seen.high if given.high is None else given.high,
        example=seen.example if given.example is None else given.example,
    )
    return bounds if given.type is not None else replace(bounds, type=seen.type, dtype=seen.dtype)


def read_sample(examples: Path) -> list[DeclaredFeature]:
    """The columns of a file of rows, without those of expected answers; raises `InferError`."""
    columns: dict[str, list[object]] = {}
    for _, rows in read_table(examples, {}, batch_rows=_BATCH_ROWS):
        for row in rows:
            for name, value in row.items():
                if name != PREDICTION and not name.startswith(PROBABILITY):
                    columns.setdefault(name, []).append(value)
    if format_of(examples) == "csv":
        columns = {name: _without_missing_words(values) for name, values in columns.items()}
    return [column_of(name, values) for name, values in columns.items()]


def _without_missing_words(cells: list[object]) -> list[object]:
    """The cells of a CSV; beside numbers or booleans alone, NA is a missing value."""
    is_word = [isinstance(cell, str) and cell.strip().lower() in MISSING_WORDS for cell in cells]
    has_others = any(isinstance(cell, str) and not word for cell, word in zip(cells, is_word, strict=True))
    has_values = any(cell is not None and not word for cell, word in zip(cells, is_word, strict=True))
    if has_others or not has_values:
        return cells
    return [None if word else cell for cell, word in zip(cells, is_word, strict=True)]


def column_of(name: str, values: Sequence[object]) -> DeclaredFeature:
    """What the values of a column tell of it; None and NaN are missing values."""
    present = [value for value in values if not _is_missing(value)]
    column_type, dtype = _type_of(present, has_gap=len(present) < len(values))
    column = DeclaredFeature(name, type=column_type, dtype=dtype, example=_example_of(present))
    if column_type != "number":
        return column
    finite = [float(value) for value in present if isinstance(value, int | float) and math.isfinite(value)]
    return replace(column, low=min(finite), high=max(finite)) if finite else column


def _type_of(present: Sequence[object], *, has_gap: bool) -> tuple[ColumnType | None, str | None]:
    """The column type and the dtype; None for values of several types, which a column of any type takes."""
    types = {type(value) for value in present}
    if types == {bool}:
        return "boolean", None
    if types == {int}:
        fits = all(isinstance(value, int) and value in _INTEGERS for value in present)
        # pandas reads a column of whole numbers with a gap as floats.
        return ("number", "float64" if has_gap else "int64") if fits else (None, None)
    if types and types <= {int, float}:
        return "number", "float64"
    if types == {str}:
        return "text", None
    return ("date", None) if types and all(issubclass(one, datetime) for one in types) else (None, None)


def _example_of(present: Iterable[object]) -> Plain:
    """The first value, as JSON has it."""
    for value in present:
        if isinstance(value, datetime):
            return value.isoformat()
        if isinstance(value, bool | int | float | str):
            is_shown = not isinstance(value, str) or len(value) <= _LONGEST_EXAMPLE
            return value if is_shown and not (isinstance(value, float) and math.isinf(value)) else None
    return None


def _is_missing(value: object) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))
