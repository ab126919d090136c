"""Where predicted rows go: to a file that can be gone on with after an interruption, or to a stream."""

from __future__ import annotations

import time
from typing import IO, TYPE_CHECKING, Protocol, Self

from infer_cli.client.answer_rows import AnswerRows
from infer_cli.client.refused_rows import RefusedRows
from infer_cli.client.row_files import format_of, format_to_write
from infer_cli.client.row_writer import TextFile, TextRows

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from infer_cli.client.asking import Sorted
    from infer_cli.client.row_files import TableBatch
    from infer_cli.client.row_writer import RowWriter, SavedWriter
    from infer_cli.client.served_model import ServedModel
    from infer_cli.client.unfinished import Unfinished

# A disk that others write to may take a second to save anything: this takes at most a twentieth of the time.
_PAUSE_PER_SAVE = 19


class Outlet(Protocol):
    """Takes the rows of a file with their answers.

    `rows` are the rows of the input that are done, of which `predicted` have answers and `refused` have none.
    """

    rows: int
    predicted: int
    refused: int

    @property
    def rejected(self) -> Path | None:
        """The file for refused rows; None if there is none."""

    @property
    def is_complete(self) -> bool:
        """Whether an earlier process has done all rows."""

    def add(self, batch: TableBatch, found: Sorted) -> None:
        """Write the next rows."""

    def complete(self) -> None:
        """Say that there are no more rows."""

    def notes(self) -> tuple[str, ...]:
        """What is to be said of the answers."""


class _Rows:
    """Writes the answered rows to one writer, and the refused ones to another."""

    def __init__(self, answers: AnswerRows, *, keeps_cells: bool) -> None:
        self.rows = self.predicted = self.refused = 0
        self._answers = answers
        # A CSV of predictions repeats the cells of a CSV of rows as they stand there; 007 stays 007.
        self._keeps_cells = keeps_cells

    def notes(self) -> tuple[str, ...]:
        """What is to be said of the answers."""
        return self._answers.notes()

    def _write(self, batch: TableBatch, found: Sorted, writer: RowWriter, refused: RowWriter | None) -> None:
        shown = batch.read if self._keeps_cells else batch.rows
        if found.answer is not None:
            numbered = [
                (batch.first_row + at, row) for at, row in enumerate(shown) if at not in found.refused
            ]
            writer.write(self._answers.beside(numbered, found.answer))
            self.predicted += len(numbered)
        if found.refused and refused is not None:
            RefusedRows(refused).write(
                [(batch.first_row + at, found.refused[at], batch.read[at]) for at in sorted(found.refused)]
            )
        self.refused += len(found.refused)
        self.rows = batch.first_row - 1 + len(shown)


class StreamOutlet(_Rows):
    """Writes CSV to a stream; refused rows go to the file `rejected`, if there is one."""

    is_complete = False

    def __init__(self, source: Path, model: ServedModel, stream: IO[str], rejected: Path | None) -> None:
        super().__init__(AnswerRows(source, model, "csv"), keeps_cells=format_of(source) == "csv")
        self.rejected: Path | None = rejected
        self._writer = TextRows(stream)
        self._refused: TextFile | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._refused is not None:
            self._refused.close()

    def add(self, batch: TableBatch, found: Sorted) -> None:
        """Write the next rows."""
        if found.refused and self.rejected is not None and self._refused is None:
            self._refused = TextFile(self.rejected, format_to_write(self.rejected))
        self._write(batch, found, self._writer, self._refused)

    def complete(self) -> None:
        """Remove an older file of refused rows, if there are none."""
        if self.rejected is not None and self._refused is None:
            self.rejected.unlink(missing_ok=True)


class FileOutlet(_Rows):
    """Writes to a file, by way of the folder `unfinished`, behind what an earlier process has saved there.

    The state is saved every `every_s` seconds; less often where the disk is slow.
    """

    def __init__(
        self,
        source: Path,
        model: ServedModel,
        unfinished: Unfinished,
        rejected: Path,
        *,
        bound: Mapping[str, object],
        every_s: float,
    ) -> None:
        state, target_format = unfinished.state, format_to_write(unfinished.target)
        are_cells = format_of(source) == target_format == "csv"
        super().__init__(
            AnswerRows(source, model, target_format, state.get("answers")), keeps_cells=are_cells
        )
        self.rows, self.predicted = unfinished.rows, int(state.get("predicted", 0))
        self.refused, self.rejected = int(state.get("refused", 0)), rejected
        self._unfinished = unfinished
        self._bound = bound
        self._every_s = every_s
        self._next_save_s = time.monotonic() + every_s
        # Whether no batch is written in part.
        self._is_whole = True
        self._writers: tuple[SavedWriter, SavedWriter] | None = None
        if not self.is_complete:
            self._writers = unfinished.writer(), unfinished.rejected_writer(format_to_write(rejected))

    @property
    def is_complete(self) -> bool:
        """Whether an earlier process has done all rows."""
        return self._unfinished.is_complete

    def add(self, batch: TableBatch, found: Sorted) -> None:
        """Write the next rows."""
        if self._writers is None:
            return
        self._is_whole = False
        self._write(batch, found, *self._writers)
        self._is_whole = True
        if time.monotonic() >= self._next_save_s:
            self._save(self._writers)

    def complete(self) -> None:
        """Give the file its name, and the refused rows theirs."""
        if self._writers is not None:
            self._save(self._writers)
            self._close()
        self._unfinished.complete(self.rejected)

    def leave(self, *, keep: bool) -> None:
        """End before all rows are done; without `keep`, nothing is left."""
        if keep and self.rows and self._writers is not None and self._is_whole:
            self._save(self._writers)
        self._close()
        if not keep:
            self._unfinished.remove()

    def _save(self, writers: tuple[SavedWriter, SavedWriter]) -> None:
        writer, refused = writers
        begun_s = time.monotonic()
        self._unfinished.save(
            {
                "bound": self._bound,
                "rows": self.rows,
                "predicted": self.predicted,
                "refused": self.refused,
                "answers": self._answers.state,
                "output": writer.save(),
                "rejected": refused.save(),
            }
        )
        ended_s = time.monotonic()
        self._next_save_s = ended_s + max(self._every_s, _PAUSE_PER_SAVE * (ended_s - begun_s))

    def _close(self) -> None:
        for writer in self._writers or ():
            writer.close()
        self._writers = None
