"""Opens the text files of rows as people have them: in UTF-8 or, with its mark, UTF-16; also in gzip."""

from __future__ import annotations

import codecs
import gzip
import io
import zlib
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, cast

from infer_cli.errors import InferError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

COMPRESSED_SUFFIX = ".gz"
# A small file is read in one go, long before its rows are predicted.
_LEAST_SIZE = 65_536
# What is not UTF-8 says so with the mark at its start, as Excel's "Unicode text" does.
_MARKS = {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


def is_compressed(path: Path) -> bool:
    """Whether the name of a file says that it is compressed."""
    return path.suffix.lower() == COMPRESSED_SUFFIX


class Reading:
    """How much of a file has been read, from 0 to 1, to tell how much is left; None if that is not known."""

    def __init__(self) -> None:
        self._file: io.RawIOBase | None = None
        self._size = 0
        self._known: float | None = None

    def watch(self, file: io.RawIOBase, size: int) -> None:
        """Take the file that is being read, as it lies on the disk."""
        self._file, self._size = file, size

    def put(self, done: int, count: int) -> None:
        """Take the number of rows that were read, of a file that says how many it has."""
        self._known = done / max(1, count)

    @property
    def fraction(self) -> float | None:
        """The part that has been read."""
        if self._file is not None and not self._file.closed and self._size >= _LEAST_SIZE:
            self._known = min(1.0, self._file.tell() / self._size)
        return self._known


@contextmanager
def open_text(path: Path, newline: str | None = None, reading: Reading | None = None) -> Iterator[IO[str]]:
    """A file of text, to be read; `newline` is that of `open`, and `reading` is told how far it was read."""
    with _open_bytes(path, reading) as file:
        start = file.peek(2)[:2]
        encoding = _MARKS.get(start, "utf-8-sig")
        with io.TextIOWrapper(file, encoding=encoding, newline=newline) as text:
            yield text


@contextmanager
def read_errors_translated(path: Path) -> Iterator[None]:
    """Translate the errors of reading a file of text to `InferError`."""
    try:
        yield
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InferError(f"{path} cannot be decompressed: {error}", hint="copy or write it again") from error
    except OSError as error:
        raise InferError(f"cannot read {path}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        message = f"{path}, line {_line_not_utf8(path)} is not UTF-8 text"
        raise InferError(message, hint="save it as UTF-8") from error


@contextmanager
def _open_bytes(path: Path, reading: Reading | None = None) -> Iterator[io.BufferedReader[io.RawIOBase]]:
    with path.open("rb", buffering=0) as raw:
        if reading is not None:
            reading.watch(raw, path.stat().st_size)
        # A GzipFile is a raw file, as far as reading goes.
        plain = gzip.GzipFile(fileobj=raw, mode="rb") if is_compressed(path) else raw
        with io.BufferedReader(cast("io.RawIOBase", plain)) as file:
            yield file


def _line_not_utf8(path: Path) -> int:
    """The number of the first line that is not UTF-8; the decoder's own position counts from its buffer."""
    with _open_bytes(path) as file:
        return next((number for number, line in enumerate(file, 1) if not _is_utf8(line)), 1)


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True
