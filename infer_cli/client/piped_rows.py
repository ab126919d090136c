"""Rows from a pipe, kept in a temporary file while they are predicted."""

from __future__ import annotations

import codecs
import shutil
import tempfile
import zlib
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING

from infer_cli.client.text_files import COMPRESSED_SUFFIX as _COMPRESSED_SUFFIX
from infer_cli.errors import InferError

if TYPE_CHECKING:
    from collections.abc import Iterator

_PIPE = Path("-")
_NAME = "standard input"
_PARQUET = b"PAR1"
_GZIP = b"\x1f\x8b"
# What zlib calls a stream with the header of gzip.
_GZIP_WBITS = 31
# Enough to find the first character that is no blank.
_START_BYTES = 4096


@contextmanager
def file_of_rows(path: Path, pipe: IO[bytes]) -> Iterator[Path]:
    """The file of rows at `path`; for `-` a temporary file of what comes from the pipe, named by its format.

    An error names standard input in the place of that file.
    """
    if path != _PIPE:
        yield path
        return
    with tempfile.TemporaryDirectory() as folder:
        start = pipe.read(_START_BYTES)
        spooled = Path(folder, f"rows{_ending_of(start)}")
        with spooled.open("wb") as file:
            file.write(start)
            shutil.copyfileobj(pipe, file)
        try:
            yield spooled
        except InferError as error:
            error.message = error.message.replace(str(spooled), _NAME)
            raise


def _ending_of(start: bytes) -> str:
    """The ending of the format whose files start in this way: JSON also stands for JSON Lines."""
    if start.startswith(_PARQUET):
        return ".parquet"
    compressed = _COMPRESSED_SUFFIX if start.startswith(_GZIP) else ""
    if compressed:
        with suppress(zlib.error):
            start = zlib.decompressobj(wbits=_GZIP_WBITS).decompress(start, _START_BYTES)
    text = start.removeprefix(codecs.BOM_UTF8).lstrip()
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        text = start.decode("utf-16", errors="ignore").lstrip().encode()
    return (".json" if text.startswith((b"{", b"[")) else ".csv") + compressed
