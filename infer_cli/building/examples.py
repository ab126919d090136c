"""Files of examples: rows for a model, perhaps with the answers that are expected.

The columns of the features are the rows. Expected answers are in the columns that `infer predict` writes:
`prediction` and `probability_CLASS`, or `prediction_2` if a feature has the name `prediction`.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from infer_cli.client.answer_columns import (
    PREDICTION,
    PROBABILITY,
    AnswerNames,
    answer_values,
    as_cell,
)
from infer_cli.client.cells import number_or_string
from infer_cli.client.columns import Columns
from infer_cli.client.row_files import read_table
from infer_cli.client.served_model import ServedFeature
from infer_cli.errors import VerificationFailed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from infer_cli.client.predictions import Predictions
    from infer_cli.client.rows import Row
    from infer_cli.inspection import Inspection

_SHOWN_ROWS = 5
_BATCH_ROWS = 10_000


@dataclass(frozen=True)
class Examples:
    """The rows of a file: `inputs` for the model, and `others`, the other columns as they stand there."""

    path: Path
    inputs: list[Row]
    others: list[Row]
    features: frozenset[str]


def read_examples(path: Path, features: Mapping[str, ServedFeature]) -> Examples:
    """Read the rows of a file for these features; columns that are no features are kept apart.

    Raises `InferError` for a file without one of the features, and `VerificationFailed` if there are no rows.
    """
    columns = Columns(features)
    inputs: list[Row] = []
    others: list[Row] = []
    for read, rows in read_table(path, features, batch_rows=_BATCH_ROWS):
        inputs += [columns.known(row, str(path)) for row in rows]
        others += [{name: value for name, value in row.items() if name not in features} for row in read]
    if not inputs:
        raise _no_examples(path)
    return Examples(path, inputs, others, frozenset(features))


def check_examples(path: Path) -> None:
    """Raise `InferError` for a file that cannot be read as rows, before anything takes time."""
    if next(read_table(path, {}, batch_rows=1), None) is None:
        raise _no_examples(path)


def features_of(inspection: Inspection) -> dict[str, ServedFeature]:
    """The features that an inspection tells, as a service would describe them."""
    return {
        feature.name: ServedFeature.of(
            {
                "name": feature.name,
                "type": feature.type,
                "required": feature.required,
                "nullable": feature.nullable,
                "categories": None if feature.categories is None else list(feature.categories),
                "accepts_others": feature.is_open,
            }
        )
        for feature in inspection.features or ()
    }


def inputs_text(examples: Examples | None) -> bytes:
    """The rows as JSON for the programs of the service; nothing without examples."""
    return b"" if examples is None else json.dumps({"rows": examples.inputs}, default=str).encode()


def compare_examples(examples: Examples, answer: Predictions, tolerance: float) -> int:
    """Compare the answers with the expected ones in the file.

    Gives the number of compared values; an empty cell expects nothing. Raises `VerificationFailed` if one
    differs.
    """
    compared = 0
    wrong: list[str] = []
    for index, others in enumerate(examples.others):
        given = _given(answer, index, examples.features)
        expected = {
            name: value
            for name, value in others.items()
            if value not in (None, "") and (name in given or _is_expected(name, examples.features))
        }
        compared += len(expected)
        wrong += [
            f"  row {index + 1}: {name} is {as_cell(given.get(name))!r}, expected {value!r}"
            for name, value in expected.items()
            if not _is_same(given.get(name), value, tolerance)
        ]
    if wrong:
        more = [f"  … and {len(wrong) - _SHOWN_ROWS} more"] if len(wrong) > _SHOWN_ROWS else []
        raise VerificationFailed(
            f"{len(wrong)} of {compared} answers differ from {examples.path}",
            detail="\n".join([*wrong[:_SHOWN_ROWS], *more]),
            hint="the image was not kept; check that the examples belong to this model",
        )
    return compared


def _no_examples(path: Path) -> VerificationFailed:
    return VerificationFailed(
        f"{path} holds no examples", hint="its first line names the columns; put at least one row below"
    )


def _given(answer: Predictions, index: int, features: frozenset[str]) -> Row:
    """The answer to one row by the names of the columns in a file of examples."""
    values = answer_values(answer, index)
    names = AnswerNames(features, values)
    return {names[name]: value for name, value in values.items()}


def _is_expected(name: str, features: frozenset[str]) -> bool:
    """Whether a column can only be meant as an expected answer, though the model gives no such answer."""
    return (name == PREDICTION and PREDICTION not in features) or name.startswith(PROBABILITY)


def _is_same(given: object, expected: object, tolerance: float) -> bool:
    """Whether an answer is the expected one, which may be the text of a cell."""
    if isinstance(given, list | dict):
        return _are_same_parts(given, expected, tolerance)
    if isinstance(given, bool):
        return str(given).lower() == str(expected).lower()
    value = number_or_string(expected) if isinstance(expected, str) else expected
    if isinstance(given, int | float) and isinstance(value, int | float) and not isinstance(value, bool):
        return _is_same_number(given, value, tolerance)
    return str(given) == str(expected)


def _is_same_number(given: float, expected: float, tolerance: float) -> bool:
    if isinstance(given, int) and isinstance(expected, int):
        return given == expected
    both_nan = math.isnan(given) and math.isnan(expected)
    return both_nan or math.isclose(given, expected, rel_tol=tolerance, abs_tol=tolerance)


def _are_same_parts(
    given: Sequence[object] | Mapping[str, object], expected: object, tolerance: float
) -> bool:
    if isinstance(expected, str):
        try:
            expected = json.loads(expected)
        except ValueError:
            return False
    if isinstance(given, dict) and isinstance(expected, dict):
        return given.keys() == expected.keys() and all(
            _is_same(value, expected[name], tolerance) for name, value in given.items()
        )
    if isinstance(given, list) and isinstance(expected, list):
        return len(given) == len(expected) and all(
            _is_same(one, other, tolerance) for one, other in zip(given, expected, strict=True)
        )
    return False
