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
from infer_cli.distribution import distribution_of
from infer_cli.errors import ModelUnreadable, UsageError
from infer_cli.inspection import NOTHING_DECLARED, Declared, DeclaredFeature, inspect_model
from infer_cli.terminal.command_line import given_command

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from pathlib import Path

    from infer_cli.inspection import ColumnType, Inspection, Plain

_BATCH_ROWS = 10_000
_INTEGERS = range(-(2**63), 2**63)
# A longer text is no example that a person reads.
_LONGEST_EXAMPLE = 200


def declared_with_sample(
    model: Path,
    examples: Path | None,
    declared: Declared = NOTHING_DECLARED,
    note: Callable[[str], None] = lambda _: None,
) -> Declared:
    """What is declared of a model, with what a file of rows tells besides.

    Of a model that knows its columns, only those are taken from the file, and otherwise all but the columns
    of expected answers and a column that holds the classes of the model: `note` gets what was chosen. What is
    declared already stays. Raises `InferError` for a file that is no table, `UsageError` for one without the
    columns of a model that knows only their number, and `ModelUnreadable` for a model that cannot be read
    whatever is declared.
    """
    if examples is None:
        return declared
    columns, has_answers = _columns_of(examples)
    sample = {name: column_of(name, values) for name, values in columns.items()}
    classes: Collection[object] = ()
    try:
        inspection = inspect_model(model, declared)
    except ModelUnreadable:
        # Perhaps the model lacks what the sample tells. If it does not, the error comes again.
        known, names = declared, declared.names
    else:
        known = inspection.declared
        found = [feature.name for feature in inspection.features or ()]
        classes = inspection.classes or ()
        if found and not inspection.feature_names and not known.names and sample.keys().isdisjoint(found):
            raise _unnamed(examples, inspection, found, columns)
        names = found or known.names
    if not names:
        target = _target(columns, classes)
        names = [name for name in sample if name != target]
        if not has_answers:
            note(_what_is_taken(examples, names, target))
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
        distribution=given.distribution or seen.distribution,
    )
    return bounds if given.type is not None else replace(bounds, type=seen.type, dtype=seen.dtype)


def read_sample(examples: Path) -> list[DeclaredFeature]:
    """The columns of a file of rows, without those of expected answers; raises `InferError`."""
    columns, _ = _columns_of(examples)
    return [column_of(name, values) for name, values in columns.items()]


def _columns_of(examples: Path) -> tuple[dict[str, list[object]], bool]:
    """The values by column without those of expected answers, and whether there are such answers."""
    columns: dict[str, list[object]] = {}
    has_answers = False
    for _, rows in read_table(examples, {}, batch_rows=_BATCH_ROWS):
        for row in rows:
            for name, value in row.items():
                if name == PREDICTION or name.startswith(PROBABILITY):
                    has_answers = True
                else:
                    columns.setdefault(name, []).append(value)
    if format_of(examples) == "csv":
        columns = {name: _without_missing_words(values) for name, values in columns.items()}
    return columns, has_answers


def _target(columns: Mapping[str, Sequence[object]], classes: Collection[object]) -> str | None:
    """The column that the model was trained to predict, if there is no doubt: the only one of its classes.

    Classes that are numbers tell nothing: many a column holds 0 and 1.
    """
    if not classes or not all(isinstance(label, str) for label in classes):
        return None
    known = set(classes)
    found = []
    for name, values in columns.items():
        present = {value if isinstance(value, str) else None for value in values if not _is_missing(value)}
        if len(present) > 1 and present <= known:
            found.append(name)
    return found[0] if len(found) == 1 and len(columns) > 1 else None


def _what_is_taken(examples: Path, names: Sequence[str], target: str | None) -> str:
    """Which columns are taken for the model's, as it does not tell them itself, and how to choose others."""
    taken = f"columns of the model, from {examples}: {', '.join(names)}"
    if target is not None:
        return f"{taken}; not {target}, which holds the classes of the model (other columns: --features)"
    return f"{taken} (if one of them holds the answers, name the others with --features)"


def _unnamed(
    examples: Path, inspection: Inspection, found: Sequence[str], columns: Mapping[str, Sequence[object]]
) -> UsageError:
    """For a model that knows how many columns it takes and not their names: the option that names them."""
    count = len(found)
    target = _target(columns, inspection.classes or ())
    names = [name for name in columns if name != target][:count]
    message = (
        f"{examples} has no column {found[0]}: the model was fitted without the names of its {count} columns"
    )
    if len(names) < count or any("," in name for name in names):
        return UsageError(message, hint=f"call the columns {', '.join(found)}, in the order of the training")
    command = given_command("--features", ",".join(names))
    return UsageError(message, hint=f"name its columns, in the order of the training: `{command}`")


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
    if not finite:
        return column
    return replace(column, low=min(finite), high=max(finite), distribution=distribution_of(finite))


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
