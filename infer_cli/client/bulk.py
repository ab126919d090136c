"""Bulk prediction: the rows of a file are sent to a service in batches and written with the predictions."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from infer_cli.client.answer_columns import (
    NON_FINITE,
    PREDICTION,
    PROBABILITIES,
    WARNINGS,
    AnswerNames,
    answer_values,
    as_cell,
    warnings_text,
)
from infer_cli.client.columns import Columns
from infer_cli.client.predictions import Remarks
from infer_cli.client.row_files import format_of, format_to_write, read_table
from infer_cli.client.row_writer import open_writer
from infer_cli.errors import InferError, PredictionFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence
    from pathlib import Path

    from infer_cli.client.predictions import Predictions
    from infer_cli.client.rows import Row
    from infer_cli.client.served_model import ServedFeature, ServedModel
    from infer_cli.client.service_client import ServiceClient

_DECIMAL_COMMA = re.compile(r"-?[0-9]+,[0-9]+")


@dataclass(frozen=True)
class PredictedFile:
    """A file whose rows were predicted: how many, and what is to be said of the answers, a sentence each."""

    rows: int
    notes: tuple[str, ...]


def predict_file(  # noqa: PLR0913 (each is an option of the command)
    client: ServiceClient,
    source: Path,
    target: Path | None,
    *,
    standard_output: IO[str],
    batch_rows: int,
    on_batch: Callable[[int], None],
    missing_columns: Collection[str] = (),
) -> PredictedFile:
    """Predict every row of `source`, and write rows and predictions to `target`.

    Without a `target`, CSV goes to `standard_output`. After each batch, `on_batch` gets the number of rows
    so far. `missing_columns` are features that the file has no columns for, on purpose. Raises `InferError`
    for a file that does not fit the model, and `PredictionFailed` for refused rows; then no target is left.
    """
    model = client.model()
    columns = Columns(model.features, missing_columns, is_positional=model.is_positional)
    target_format = "csv" if target is None else format_to_write(target)
    # A CSV of predictions repeats the cells of a CSV of rows as they stand there; 007 stays 007.
    keeps_cells = target_format == "csv"
    answers = _Answers(source, model, target_format)
    done = 0
    with open_writer(target, standard_output) as writer:
        for read, rows in read_table(source, model.named, batch_rows=batch_rows):
            known = [columns.known(row, _where(source, number)) for number, row in enumerate(rows, done + 1)]
            answer = _predict(client, source, known, first_row=done + 1, features=model.features)
            writer.write(answers.beside(read if keeps_cells else rows, answer, first_row=done + 1))
            done += len(rows)
            on_batch(done)
    return PredictedFile(done, answers.notes())


class _Answers:
    """Puts the answers beside the columns of a file, in the form that the format of the target wants."""

    def __init__(self, source: Path, model: ServedModel, target_format: str) -> None:
        self._source = source
        self._model = model
        self._is_csv = target_format == "csv"
        self._is_json = target_format in ("json", "jsonl")
        self._names: AnswerNames | None = None
        self._remarks = Remarks()

    def beside(self, rows: Sequence[Row], answer: Predictions, *, first_row: int) -> list[Row]:
        """The rows with their answers; raises `InferError` for a row that has the column of an answer."""
        values = [self._values(answer, index) for index in range(len(rows))]
        if self._names is None:
            taken = {name for row in rows for name in row}
            self._names = AnswerNames({*taken, *self._model.features}, self._wanted(values))
        names = self._names
        for number, row in enumerate(rows, first_row):
            if not names.all.isdisjoint(row):
                name = min(names.all.intersection(row))
                raise InferError(
                    f"{_where(self._source, number)} has a column {name}, which the answer would replace",
                    hint=f"rename the column {name}, or give it to the first row, too",
                )
        self._remarks.add(answer)
        return [
            {**row, **{names[name]: value for name, value in more.items()}}
            for row, more in zip(rows, values, strict=True)
        ]

    def notes(self) -> tuple[str, ...]:
        """What is to be said at the end."""
        changed = self._names.changed if self._names else {}
        renamed = [
            f"the answers called {name} are in the column {given}, as {name} is another column already"
            for name, given in changed.items()
            if not self._is_json or name not in (WARNINGS, NON_FINITE)
        ]
        return (*renamed, *self._remarks.lines())

    def _wanted(self, values: Sequence[Row]) -> list[str]:
        """The usual names of all columns that an answer may have."""
        listed = [name for value in values for name in value]
        return list(dict.fromkeys([PREDICTION, *listed, *((WARNINGS, NON_FINITE) if self._is_json else ())]))

    def _values(self, answer: Predictions, index: int) -> Row:
        """The answer to one row by the usual names of the columns.

        In a table, the column `warnings` is there if the model may warn; its name must be known before the
        first row. A JSON object has `warnings` and `non_finite` only if there are any.
        """
        values = answer_values(answer, index)
        warnings = answer.warnings_of(index)
        if self._is_json:
            if warnings:
                values[WARNINGS] = warnings
            if found := answer.non_finite_of(index):
                values[NON_FINITE] = found
            return values
        if self._is_csv:
            values = {name: as_cell(value) for name, value in values.items()}
        elif PROBABILITIES in values:
            # The outputs of a model have different classes, and so no common type in a Parquet file.
            values[PROBABILITIES] = as_cell(values[PROBABILITIES])
        if self._model.may_warn:
            values[WARNINGS] = warnings_text(warnings)
        return values


def _predict(
    client: ServiceClient,
    source: Path,
    rows: Sequence[Row],
    *,
    first_row: int,
    features: Mapping[str, ServedFeature],
) -> Predictions:
    try:
        return client.predict(rows, first_row=first_row)
    except PredictionFailed as error:
        error.message = f"{source}: {error.message}"
        if format_of(source) == "csv" and _has_decimal_commas(rows, features):
            error.hint = "write numbers with a point: 1.5, not 1,5"
        raise


def _where(source: Path, number: int) -> str:
    """The file; for a format whose rows may have other columns than the first row, also the row."""
    return f"{source}, row {number}" if format_of(source) in ("json", "jsonl") and number > 1 else str(source)


def _has_decimal_commas(rows: Sequence[Row], features: Mapping[str, ServedFeature]) -> bool:
    """Whether a number is written like 1,5: a cell that stayed a string because it does not read as one."""
    numbers = [name for name, feature in features.items() if feature.type == "number"]
    cells = (row.get(name) for row in rows for name in numbers)
    return any(isinstance(cell, str) and _DECIMAL_COMMA.fullmatch(cell.strip()) for cell in cells)
