"""The rows of a file with the answers to them, as they are written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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
from infer_cli.client.predictions import Remarks
from infer_cli.client.row_files import format_of
from infer_cli.errors import InferError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from infer_cli.client.predictions import Predictions
    from infer_cli.client.rows import Row
    from infer_cli.client.served_model import ServedModel


class AnswerRows:
    """Puts the answers beside the columns of a file, in the form that the format of the target wants.

    `saved` is what `state` gave to an earlier process.
    """

    def __init__(
        self,
        source: Path,
        model: ServedModel,
        target_format: str,
        saved: Mapping[str, Any] | None = None,
    ) -> None:
        self._source = source
        self._model = model
        self._is_csv = target_format == "csv"
        self._is_json = target_format in ("json", "jsonl")
        state = saved or {}
        names = state.get("names")
        self._may_warn = model.may_warn
        self._names = None if names is None else AnswerNames.saved(names)
        self._remarks = Remarks(state.get("remarks"))

    @property
    def state(self) -> dict[str, object]:
        """What another process needs to go on, in JSON's types."""
        names = None if self._names is None else self._names.given
        return {"names": names, "remarks": self._remarks.counts}

    def beside(self, numbered: Sequence[tuple[int, Row]], answer: Predictions) -> list[Row]:
        """The numbered rows with their answers; raises `InferError` for a row that has an answer's column."""
        values = [self._values(answer, index) for index in range(len(numbered))]
        if self._names is None:
            taken = {name for _, row in numbered for name in row}
            self._names = AnswerNames({*taken, *self._model.features}, self._wanted(values))
        names = self._names
        for number, row in numbered:
            if not names.all.isdisjoint(row):
                name = min(names.all.intersection(row))
                raise InferError(
                    f"{where(self._source, number)} has a column {name}, which the answer would replace",
                    hint=f"rename the column {name}, or give it to the first row, too",
                )
        self._remarks.add(answer)
        return [
            {**row, **{names[name]: value for name, value in more.items()}}
            for (_, row), more in zip(numbered, values, strict=True)
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
        if self._may_warn:
            values[WARNINGS] = warnings_text(warnings)
        return values


def where(source: Path, number: int) -> str:
    """The file; for a format whose rows may have other columns than the first row, also the row."""
    return f"{source}, row {number}" if format_of(source) in ("json", "jsonl") and number > 1 else str(source)
