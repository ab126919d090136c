"""What a run has written so far, in a folder beside its output, so that the same command can go on.

The folder of `answers.csv` is `answers.csv.unfinished`. It holds `state.json`, the rows that were written
(`rows`, or the Parquet files in `parts`), the refused rows (`rejected`), and `lock`. The state is written
after the rows that it counts are on the disk; what was written behind them is cut off by the next run.
"""

from __future__ import annotations

import errno
import fcntl
import gzip
import hashlib
import json
import os
import shutil
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any

from infer_cli.client.parquet import ParquetParts, join_parts
from infer_cli.client.row_files import format_to_write
from infer_cli.client.row_writer import TextFile
from infer_cli.client.service_client import changed_model
from infer_cli.client.text_files import is_compressed
from infer_cli.errors import InferError, RunNotResumed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from infer_cli.client.row_writer import SavedWriter
    from infer_cli.client.served_model import ServedModel

_FORMAT = 1
_HEAD_BYTES = 1_048_576
_START_OVER = "predict the whole file anew with --start-over"
_STATE = "state.json"


def bound_to(
    source: Path, model: ServedModel, options: Mapping[str, object], *, is_pipe: bool
) -> dict[str, object]:
    """What must be the same when a run is gone on with: the input, the model and the options."""
    facts = source.stat()
    # The rows of a pipe are in a file that was just made; only what they are says whether they are the same.
    with source.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256") if is_pipe else hashlib.sha256(file.read(_HEAD_BYTES))
    return {
        "format": _FORMAT,
        "input": {
            "size": facts.st_size,
            "mtime_ns": None if is_pipe else facts.st_mtime_ns,
            "digest": digest.hexdigest(),
        },
        "model": {"digest": model.digest, "fingerprint": model.fingerprint},
        "options": dict(options),
    }


def folder_of(target: Path) -> Path:
    """The folder that holds what was written so far of a file."""
    return target.with_name(f"{target.name}.unfinished")


class Unfinished:
    """The folder of a run, with the state that was saved last."""

    def __init__(self, target: Path) -> None:
        self.target = target
        self.folder = folder_of(target)
        self.state: dict[str, Any] = {}  # as JSON has it
        self._format = format_to_write(target)

    @property
    def rows(self) -> int:
        """How many rows of the input are done."""
        return int(self.state.get("rows", 0))

    @property
    def is_complete(self) -> bool:
        """Whether all rows are done, and only the file's own name is missing."""
        return bool(self.state.get("is_complete"))

    def load(self, bound: Mapping[str, object], source: Path) -> None:
        """Read the state; raises `RunNotResumed` if it is not bound to the same input, model and options."""
        try:
            self.state = json.loads((self.folder / _STATE).read_text())
            before = self.state["bound"]
            now: dict[str, Any] = json.loads(json.dumps(bound))
            if before["format"] != _FORMAT:
                raise RunNotResumed(f"another infer began {self.folder}", hint=_START_OVER)
            model, served = before["model"], now["model"]
            if before["input"] != now["input"]:
                message = f"{source} is not the file that it was when {self.folder} was begun"
                raise RunNotResumed(message, hint=_START_OVER)
            if model["fingerprint"] != served["fingerprint"]:
                raise changed_model(model["digest"], served["digest"])
            others = [name for name, value in now["options"].items() if before["options"].get(name) != value]
        except FileNotFoundError:
            # Nothing was saved before the interruption.
            self.state = {}
            return
        except (ValueError, KeyError, TypeError) as error:
            raise RunNotResumed(f"{self.folder / _STATE} cannot be read", hint=_START_OVER) from error
        if others:
            message = f"{self.folder} was begun with another {', '.join(others)}"
            raise RunNotResumed(message, hint=f"give the same options, or {_START_OVER}")

    def save(self, state: Mapping[str, object]) -> None:
        """Replace the state; what it counts must be on the disk."""
        new = self.folder / f"{_STATE}.new"
        with new.open("w") as file:
            json.dump(state, file)
            file.flush()
            os.fsync(file.fileno())
        new.replace(self.folder / _STATE)
        self.state = dict(state)

    def writer(self) -> SavedWriter:
        """What writes the rows, behind those that were saved."""
        saved = self.state.get("output")
        if self._format == "parquet":
            return ParquetParts(self.folder / "parts", saved)
        return TextFile(self.folder / "rows", self._format, saved)

    def rejected_writer(self, file_format: str) -> TextFile:
        """What writes the refused rows, behind those that were saved."""
        return TextFile(self.folder / "rejected", file_format, self.state.get("rejected"))

    def complete(self, rejected: Path) -> None:
        """Give the rows of the saved state their file, and the refused rows theirs; then remove the folder.

        This can be done again after an interruption. Without refused rows, an older file of such is removed.
        """
        rows, finished = self.folder / "rows", self.folder / "finished"
        is_made = self._format == "parquet" or is_compressed(self.target)
        if not self.is_complete:
            if is_made:
                self._make(rows, finished)
            self.save({**self.state, "is_complete": True})
        refused = self.folder / "rejected"
        if not self.state.get("refused"):
            rejected.unlink(missing_ok=True)
        elif refused.exists():
            _replace(refused, rejected)
        result = finished if is_made else rows
        if result.exists():
            _replace(result, self.target)
        self.remove()

    def _make(self, rows: Path, finished: Path) -> None:
        if self._format == "parquet":
            join_parts(self.folder / "parts", self.state["output"], finished)
            return
        # Without a name and a time, the same rows give the same bytes.
        with (
            rows.open("rb") as plain,
            finished.open("wb") as raw,
            gzip.GzipFile(filename="", mode="wb", fileobj=raw, compresslevel=6, mtime=0) as packed,
        ):
            shutil.copyfileobj(plain, packed)

    def remove(self) -> None:
        """Remove the folder; the state first, as the rest is nothing without it."""
        (self.folder / _STATE).unlink(missing_ok=True)
        shutil.rmtree(self.folder, ignore_errors=True)


@contextmanager
def open_unfinished(target: Path, *, start_over: bool) -> Iterator[Unfinished]:
    """The folder for `target`, made if there is none, for this process alone; `start_over` empties it.

    Raises `InferError` if it cannot be written, or if another process has it.
    """
    run = Unfinished(target)
    if target.is_dir():
        raise InferError(f"cannot write {target}: Is a directory")
    try:
        run.folder.mkdir(exist_ok=True)
        lock = (run.folder / "lock").open("w")
    except OSError as error:
        raise InferError(f"cannot write into {target.parent}: {error.strerror}") from error
    with lock:
        _lock(lock, run.folder)
        if start_over:
            (run.folder / _STATE).unlink(missing_ok=True)
        try:
            yield run
        finally:
            if not (run.folder / _STATE).exists():
                run.remove()


def _lock(lock: IO[str], folder: Path) -> None:
    """Keep others out for as long as the file is open; the system lets go when the process ends."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise InferError(f"another infer writes into {folder}", hint="wait until it ends") from error


def _replace(file: Path, target: Path) -> None:
    try:
        try:
            file.replace(target)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            # The refused rows may be wanted on another file system.
            copy = target.with_name(f".{target.name}.new")
            shutil.copyfile(file, copy)
            copy.replace(target)
    except OSError as error:
        raise InferError(f"cannot write {target}: {error.strerror}") from error
