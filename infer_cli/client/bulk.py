"""Bulk prediction: the rows of a file are sent to a service in batches and written with the predictions."""

from __future__ import annotations

import json
import re
from difflib import get_close_matches
from typing import IO, TYPE_CHECKING

from infer_cli.client.cells import typed_row
from infer_cli.client.row_files import format_of, read_csv_cells, read_rows
from infer_cli.client.row_writer import open_writer
from infer_cli.errors import InferError, PredictionFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from infer_cli.client.rows import Row
    from infer_cli.client.service_client import Predictions, ServedFeature, ServiceClient

_PREDICTION = "prediction"
_DECIMAL_COMMA = re.compile(r"-?[0-9]+,[0-9]+")


def predict_file(
    client: ServiceClient,
    source: Path,
    target: Path | None,
    *,
    standard_output: IO[str],
    batch_rows: int,
    on_batch: Callable[[int], None],
) -> int:
    """Predict every row of `source`, and write rows and predictions to `target`; gives the number of rows.

    Without a `target`, CSV goes to `standard_output`. After each batch, `on_batch` gets the number of rows
    so far. Raises `InferError` for a file that does not fit the model, and `PredictionFailed` for refused
    rows; then no target is left.
    """
    features = client.model().features
    is_csv = format_of(source) == "csv"
    # A CSV of predictions repeats the cells of a CSV of rows as they stand there; 007 stays 007.
    keeps_cells = target is None or format_of(target) == "csv"
    done = 0
    with open_writer(target, standard_output) as writer:
        for read, rows in _batches(source, batch_rows, features):
            if not done:
                _check_columns(source, read[0], features)
            known = [{name: row[name] for name in row if name in features} for row in rows]
            try:
                answer = client.predict(known, first_row=done + 1)
            except PredictionFailed as error:
                error.message = f"{source}: {error.message}"
                if is_csv and _has_decimal_commas(rows, features):
                    error.hint = "write numbers with a point: 1.5, not 1,5"
                raise
            written = read if keeps_cells else rows
            columns = prediction_columns(answer)
            writer.write([{**row, **more} for row, more in zip(written, columns, strict=True)])
            done += len(rows)
            on_batch(done)
    return done


def prediction_columns(answer: Predictions) -> list[Row]:
    """The columns that a row gets: `prediction`, and `probability_CLASS` for each class.

    A model of several outputs gives one column `probabilities`, with JSON.
    """
    columns = []
    for index, prediction in enumerate(answer.predictions):
        column: Row = {_PREDICTION: prediction}
        if answer.probabilities:
            probabilities = answer.probabilities[index]
            if isinstance(probabilities, dict):
                column |= {f"probability_{label}": value for label, value in probabilities.items()}
            else:
                column["probabilities"] = json.dumps(probabilities)
        columns.append(column)
    return columns


def _batches(
    source: Path, batch_rows: int, features: Mapping[str, ServedFeature]
) -> Iterator[tuple[Sequence[Row], list[Row]]]:
    """The rows of a file twice: as they were read, and with the types of the features.

    Only a CSV needs types. The other formats have their own.
    """
    if format_of(source) == "csv":
        for cells in read_csv_cells(source, batch_rows=batch_rows):
            yield [dict(row) for row in cells], [typed_row(row, features) for row in cells]
    else:
        for rows in read_rows(source, batch_rows=batch_rows):
            yield rows, rows


def _check_columns(source: Path, row: Row, features: Mapping[str, ServedFeature]) -> None:
    """Refuse a file without a column that the model needs, or with a column that a prediction would replace.

    Otherwise the service would refuse every single row for the missing column.
    """
    others = [name for name in row if name not in features]
    if _PREDICTION in others:
        raise InferError(
            f"{source} has a column called {_PREDICTION}, which the answers would replace",
            hint="rename it, for example to expected",
        )
    missing = [name for name, feature in features.items() if feature.required and name not in row]
    if not missing:
        return
    near = [close for name in missing for close in get_close_matches(name, others, n=1)]
    hint = f"it has {', '.join(near)}; did you mean that? " if near else ""
    raise InferError(
        f"{source} has no column {', '.join(missing)}",
        hint=f"{hint}the model takes {', '.join(features)}",
    )


def _has_decimal_commas(rows: Sequence[Row], features: Mapping[str, ServedFeature]) -> bool:
    """Whether a number is written like 1,5: a cell that stayed a string because it does not read as one."""
    numbers = [name for name, feature in features.items() if feature.type == "number"]
    cells = (row.get(name) for row in rows for name in numbers)
    return any(isinstance(cell, str) and _DECIMAL_COMMA.fullmatch(cell.strip()) for cell in cells)
