"""Sends the rows of a file to two services, batch by batch, and compares the answers."""

from __future__ import annotations

import time
from array import array
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import TYPE_CHECKING

from infer_cli.client.answer_columns import answer_values
from infer_cli.client.asking import next_requests
from infer_cli.client.columns import Columns
from infer_cli.client.differences import Differences, Refusal
from infer_cli.client.row_files import read_table
from infer_cli.errors import InferError, RowsRefused

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence
    from pathlib import Path

    from infer_cli.client.rows import Row
    from infer_cli.client.served_model import ServedModel
    from infer_cli.client.service_client import ServiceClient

# The kinds of estimators whose predictions are labels; those of the others are numbers.
_WITH_LABELS = {"classifier", "clusterer", "outlier_detector"}


@dataclass
class Side:
    """One of the two services: what it is called, its connection, and the seconds that full batches took."""

    name: str
    client: ServiceClient
    batch_s: array[float] = field(default_factory=lambda: array("d"))


def compare_file(  # noqa: PLR0913 (each is an option of the command)
    a: Side,
    b: Side,
    source: Path,
    *,
    batch_rows: int,
    tolerance: float,
    most_kept: int,
    on_batch: Callable[[int], None],
    missing_columns: Collection[str] = (),
) -> Differences:
    """Ask both services for the rows of a file, and compare their answers row by row.

    One service is asked after the other; which one is first alternates, so that neither always finds the
    machine as the other one left it. After each batch, `on_batch` gets the number of rows so far. Raises
    `InferError` for a file that does not fit a model, or whose rows are all refused, and `PredictionFailed`
    if a service does not answer.
    """
    models = (a.client.model(), b.client.model())
    are_labels = any(model.kind in _WITH_LABELS for model in models)
    found = Differences(tolerance, most_kept, are_labels)
    batches = zip_longest(
        _rows(source, a.name, models[0], models[1], missing_columns, batch_rows),
        _rows(source, b.name, models[1], models[0], missing_columns, batch_rows),
    )
    is_a_first = True
    for rows_a, rows_b in batches:
        if is_a_first:
            given_a, time_a = _ask(a.client, rows_a)
            given_b, time_b = _ask(b.client, rows_b)
        else:
            given_b, time_b = _ask(b.client, rows_b)
            given_a, time_a = _ask(a.client, rows_a)
        is_a_first = not is_a_first
        is_usual = len(rows_a) == batch_rows or not a.batch_s
        if time_a is not None and time_b is not None and is_usual:
            a.batch_s.append(time_a)
            b.batch_s.append(time_b)
        for one, other in zip(given_a, given_b, strict=True):
            found.add(found.rows + 1, one, other)
        on_batch(found.rows)
    if not found.rows:
        raise InferError(f"{source} has no rows", hint="its first line names the columns; put rows below it")
    if found.both_refused == found.rows:
        raise InferError(
            f"{a.name} and {b.name} refuse every row of {source}",
            detail=f"  {found.refused_by_both}",
            hint="give rows that the models take",
        )
    return found


def _rows(
    source: Path,
    name: str,
    model: ServedModel,
    other: ServedModel,
    missing_columns: Collection[str],
    batch_rows: int,
) -> Iterator[list[Row]]:
    """The rows of the file for one model; an error says for which of the two."""
    left_out = _left_out(missing_columns, model, other)
    columns = Columns(model.features, left_out, is_positional=model.is_positional)
    done = 0
    try:
        for _, rows in read_table(source, model.named, batch_rows=batch_rows):
            yield [
                columns.known(row, f"{source}, row {number}" if number > 1 else str(source))
                for number, row in enumerate(rows, done + 1)
            ]
            done += len(rows)
    except InferError as error:
        error.message = f"for {name}: {error.message}"
        raise


def _left_out(texts: Collection[str], model: ServedModel, other: ServedModel) -> list[str]:
    """The names of `--missing-columns` but for those that only the other model has."""
    names = [
        name
        for text in texts
        for name in ([text] if text in model.features or text in other.features else text.split(","))
    ]
    return [name for name in names if name in model.features or name not in other.features]


def _ask(client: ServiceClient, rows: Sequence[Row]) -> tuple[list[Row | Refusal], float | None]:
    """The answer to each row, and the seconds that all took; None if a row was refused."""
    begin = time.perf_counter()
    try:
        return _answers(client, rows), time.perf_counter() - begin
    except RowsRefused as refused:
        return _ask_without_refused(client, rows, refused), None


def _answers(client: ServiceClient, rows: Sequence[Row]) -> list[Row | Refusal]:
    answer = client.predict(rows)
    return [answer_values(answer, index) for index in range(len(rows))]


def _ask_without_refused(
    client: ServiceClient, rows: Sequence[Row], refused: RowsRefused
) -> list[Row | Refusal]:
    """The answers where some rows are refused; which ones, the service names, or halving shows."""
    given: dict[int, Row | Refusal] = {}
    left: list[list[int]] = []

    def leave_out(asked: list[int], error: RowsRefused) -> None:
        found = {asked[at]: why for at, why in error.by_row.items() if at < len(asked)}
        if not found and len(asked) == 1:
            found = {asked[0]: error.reason}
        given.update({at: Refusal(why) for at, why in found.items()})
        left.extend(next_requests(asked, found))

    leave_out(list(range(len(rows))), refused)
    while left:
        asked = left.pop()
        try:
            answers = _answers(client, [rows[at] for at in asked])
        except RowsRefused as again:
            leave_out(asked, again)
        else:
            given.update(zip(asked, answers, strict=True))
    return [given[at] for at in range(len(rows))]
