"""Bulk prediction: the rows of a file are sent to a service in batches and written with the predictions."""

from __future__ import annotations

import re
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING

from infer_cli.client.answer_rows import where
from infer_cli.client.asking import Asker, Sorted
from infer_cli.client.columns import Columns
from infer_cli.client.outlets import FileOutlet, StreamOutlet
from infer_cli.client.refused_rows import check_rejected_path, usual_path
from infer_cli.client.row_files import TableBatch, format_of, format_to_write, in_row, read_batches
from infer_cli.client.rows import WrongLine
from infer_cli.client.text_files import read_errors_translated
from infer_cli.client.unfinished import bound_to, open_unfinished
from infer_cli.errors import InferError, PredictionFailed, RowsRefused, RunNotResumed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from infer_cli.client.outlets import Outlet
    from infer_cli.client.predictions import Predictions
    from infer_cli.client.rows import Row
    from infer_cli.client.served_model import ServedModel
    from infer_cli.client.service_client import ServiceClient

# The row, in a reason that stands beside the row.
_IT = "it"
_DECIMAL_COMMA = re.compile(r"-?[0-9]+,[0-9]+")
_WITH_A_POINT = "write numbers with a point: 1.5, not 1,5"


@dataclass(frozen=True)
class BulkOptions:
    """How a file is predicted.

    `missing_columns` are features that the file has no columns for, on purpose. `rejected` is the file for
    refused rows. `strict`: the first refused row ends the run. `start_over`: what an interrupted run has left
    is thrown away. `is_pipe`: the rows came from a pipe, and lie in a file that was made for them.
    """

    batch_rows: int = 1000
    missing_columns: Sequence[str] = ()
    rejected: Path | None = None
    strict: bool = False
    start_over: bool = False
    retry_for_s: float = 60.0
    is_pipe: bool = False
    save_every_s: float = 1.0


@dataclass(frozen=True)
class PredictedFile:
    """A file whose rows were predicted: how many, and what is to be said of the answers, a sentence each.

    `refused` counts the rows that the service refused, which are in the file `rejected`.
    """

    rows: int
    notes: tuple[str, ...]
    refused: int = 0
    rejected: Path | None = None


def predict_file(
    clients: Sequence[ServiceClient],
    source: Path,
    target: Path | None,
    *,
    standard_output: IO[str],
    on_rows: Callable[[int, float | None], None],
    options: BulkOptions = BulkOptions(),
) -> PredictedFile:
    """Predict every row of `source`, and write rows and predictions to `target`.

    Each client has one request at a time. Without a `target`, CSV goes to `standard_output`. `on_rows` gets
    the number of rows so far, and the part of the file, if known: before the first batch, and after each.

    With a `target`, a run that was interrupted is gone on with. Raises `RunNotResumed` if that cannot be, and
    `InferError` for a file that does not fit the model; then no target is left. Raises `PredictionFailed` if
    the service does not answer, and for refused rows if the run is strict or has no file for them.
    """
    with ExitStack() as opened:
        for client in clients:
            opened.callback(client.close)
        model = clients[0].model()
        # This connection would wait no longer than for a short question.
        clients[0].close()
        for client in clients:
            client.expect(model)
        columns = Columns(model.features, options.missing_columns, is_positional=model.is_positional)
        outlet = opened.enter_context(_open_outlet(source, target, model, options, standard_output))
        on_rows(outlet.rows, None)
        if not outlet.is_complete:
            run = _Run(source, model, columns, outlet, options)
            asker = Asker(clients, options.retry_for_s)
            asking = asker.answers(run.batches(), lambda client, batch: run.ask(asker, client, batch))
            for batch, found in opened.enter_context(asking):
                outlet.add(batch.table, found)
                on_rows(outlet.rows, batch.table.fraction)
        outlet.complete()
    return PredictedFile(outlet.predicted, outlet.notes(), outlet.refused, outlet.rejected)


@contextmanager
def _open_outlet(
    source: Path, target: Path | None, model: ServedModel, options: BulkOptions, standard_output: IO[str]
) -> Iterator[Outlet]:
    """Where the answers go; what was done is kept if the run ends early, unless the input is to blame."""
    rejected = options.rejected
    if rejected is not None:
        check_rejected_path(rejected, source, target)
    if target is None:
        with StreamOutlet(source, model, standard_output, rejected) as stream:
            yield stream
        return
    rejected = rejected or usual_path(target, source)
    bound_options = {
        "--missing-columns": sorted(options.missing_columns),
        "--strict": options.strict,
        "--rejected": format_to_write(rejected),
    }
    with read_errors_translated(source):
        bound = bound_to(source, model, bound_options, is_pipe=options.is_pipe)
    with open_unfinished(target, start_over=options.start_over) as unfinished:
        unfinished.load(bound, source)
        outlet = FileOutlet(source, model, unfinished, rejected, bound=bound, every_s=options.save_every_s)
        try:
            yield outlet
        except BaseException as error:
            outlet.leave(keep=not _is_of_the_input(error))
            if outlet.rows and isinstance(error, PredictionFailed) and not isinstance(error, RowsRefused):
                kept = (
                    f"{outlet.rows} rows are done, and kept in {unfinished.folder}; the same command goes on"
                )
                error.detail = f"{error.detail}\n{kept}" if error.detail else kept
            raise


def _is_of_the_input(error: BaseException) -> bool:
    """Whether a run can only be begun anew, with another input: it cannot be read, or does not fit."""
    if isinstance(error, RowsRefused):
        return True
    others = isinstance(error, PredictionFailed | RunNotResumed) or isinstance(error.__cause__, OSError)
    return isinstance(error, InferError) and not others


@dataclass(frozen=True)
class _Batch:
    """Rows of a file, and what is sent of them: the features of the model."""

    table: TableBatch
    sent: list[Row]


class _Run:
    """The batches of one file, and how they are asked for."""

    def __init__(
        self, source: Path, model: ServedModel, columns: Columns, outlet: Outlet, options: BulkOptions
    ) -> None:
        self._source = source
        self._model = model
        self._columns = columns
        self._first_row = outlet.rows + 1
        self._is_strict = options.strict or outlet.rejected is None
        self._batch_rows = options.batch_rows

    def batches(self) -> Iterator[_Batch]:
        """The batches that are left, whose rows have the features of the model.

        Raises `InferError` for a file without a feature; in a strict run, also for a row.
        """
        batches = read_batches(
            self._source, self._model.named, batch_rows=self._batch_rows, skip_rows=self._first_row - 1
        )
        may_differ = format_of(self._source) in ("json", "jsonl")
        for batch in batches:
            sent: list[Row] = []
            for at, row in enumerate(batch.rows):
                if at in batch.errors:
                    if self._is_strict:
                        raise in_row(self._source, batch.first_row + at, batch.errors[at])
                    continue
                number = batch.first_row + at
                try:
                    sent.append(self._columns.known(row, _IT))
                except InferError as error:
                    # A first row without a feature is of another table, as is every row of a CSV.
                    if self._is_strict or number == 1 or not may_differ:
                        message = error.message.replace(_IT, where(self._source, number), 1)
                        raise InferError(message, hint=error.hint) from error
                    batch.errors[at] = error
            yield _Batch(batch, sent)

    def ask(self, asker: Asker, client: ServiceClient, batch: _Batch) -> Sorted:
        """The answers to a batch, and the reasons for its refused rows."""
        errors = batch.table.errors
        if self._is_strict:
            return Sorted(self._strictly(asker, client, batch.sent, batch.table.first_row), {})
        found = asker.sort_out(client, batch.sent)
        good = [at for at in range(len(batch.table.rows)) if at not in errors]
        refused = {
            at: error.reason if isinstance(error, WrongLine) else error.message
            for at, error in errors.items()
        }
        for at, reason in found.refused.items():
            comma = self._has_decimal_commas([batch.sent[at]])
            refused[good[at]] = f"{reason} ({_WITH_A_POINT})" if comma else reason
        return Sorted(found.answer, refused)

    def _strictly(
        self, asker: Asker, client: ServiceClient, rows: Sequence[Row], first_row: int
    ) -> Predictions:
        try:
            return asker.predict(client, rows, first_row=first_row)
        except RowsRefused as error:
            error.message = f"{self._source}: {error.message}"
            if self._has_decimal_commas(rows):
                error.hint = _WITH_A_POINT
            raise

    def _has_decimal_commas(self, rows: Sequence[Row]) -> bool:
        """Whether a number is written like 1,5: a cell that stayed a string because it reads as none."""
        if format_of(self._source) != "csv":
            return False
        numbers = [name for name, feature in self._model.features.items() if feature.type == "number"]
        cells = (row.get(name) for row in rows for name in numbers)
        return any(isinstance(cell, str) and _DECIMAL_COMMA.fullmatch(cell.strip()) for cell in cells)
