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
# What is not UTF-8 says so with the mark at its start, as Excel's "Unicode text" does.
_MARKS = {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


def is_compressed(path: Path) -> bool:
    """Whether the name of a file says that it is compressed."""
    return path.suffix.lower() == COMPRESSED_SUFFIX


@contextmanager
def open_text(path: Path, newline: str | None = None) -> Iterator[IO[str]]:
    """A file of text, to be read; `newline` is that of `open`."""
    with _open_bytes(path) as file:
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


def _open_bytes(path: Path) -> io.BufferedReader:
    if is_compressed(path):
        # A GzipFile is a raw file, as far as reading goes.
        return io.BufferedReader(cast("io.RawIOBase", gzip.GzipFile(path, "rb")))
    return path.open("rb")


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
