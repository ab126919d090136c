"""The content of a model file that may be compressed, as joblib compresses it.

A small file can expand without end. So the content is read only as far as real models expand: the twin
`infer_cli/inspection/files/compression.py` has the same limits on the host.
"""

from __future__ import annotations

import bz2
import gzip
import importlib
import io
import lzma
import os
import zlib
from typing import IO, TYPE_CHECKING, Any, cast

from service.errors import Forbidden

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

# A file that expands beyond both limits is a decompression bomb. A real array of zeros expands by more than
# 200 times too, but not to 512 MiB.
EXPANDED_BYTES_MAX = 512 * 1024**2
EXPANSION_MAX = 200
CHUNK_BYTES = 256 * 1024


def decompressed(raw: IO[bytes]) -> IO[bytes]:
    """Give a stream of the decompressed content. The first bytes tell the formats, as in joblib."""
    start = raw.read(6)
    raw.seek(0)
    if start.startswith(b"ZF"):
        raise Forbidden("was saved by joblib 0.9 or older")
    content = _decompressor(raw, start)
    # The buffer makes the many small reads of an unpickler quick.
    return raw if content is None else io.BufferedReader(_Expanded(raw, content), CHUNK_BYTES)


def size_limit(raw: IO[bytes], content: IO[bytes]) -> int:
    """Give how many bytes the content of a file can have at most."""
    size = os.fstat(raw.fileno()).st_size
    return size if content is raw else max(EXPANDED_BYTES_MAX, EXPANSION_MAX * size)


def _decompressor(raw: IO[bytes], start: bytes) -> IO[bytes] | None:
    if start.startswith(b"\x1f\x8b"):
        return cast("IO[bytes]", gzip.GzipFile(fileobj=raw))
    if start.startswith(b"BZh"):
        return cast("IO[bytes]", bz2.BZ2File(raw))
    if start.startswith((b"\xfd7zXZ", b"]\0")):
        return cast("IO[bytes]", lzma.LZMAFile(raw))
    if start.startswith(b"x"):
        return cast("IO[bytes]", _Zlib(raw))
    if start.startswith(b"\x04\x22\x4d\x18"):
        return cast("IO[bytes]", importlib.import_module("lz4.frame").LZ4FrameFile(raw))
    return None


class _Zlib:
    """What zlib compressed. The reader of joblib doubles what follows the end until the memory is full."""

    def __init__(self, raw: IO[bytes]) -> None:
        self._raw = raw
        self._unpacker = zlib.decompressobj()

    def read(self, size: int) -> bytes:
        """Give at most so many bytes; none at the end. Raises `Forbidden` if anything follows the end."""
        while not self._unpacker.eof:
            packed = self._unpacker.unconsumed_tail or self._raw.read(CHUNK_BYTES)
            data = self._unpacker.decompress(packed, size) if packed else self._unpacker.flush()
            if data:
                return data
            if not packed and not self._unpacker.eof:
                raise EOFError("Compressed file ended before the end-of-stream marker was reached")
        if self._unpacker.unused_data or self._raw.read(1):
            raise Forbidden("goes on after the end of its compressed content")
        return b""


class _Expanded(io.RawIOBase):
    """The content of a compressed file; reading more than the limits raises `Forbidden`."""

    def __init__(self, raw: IO[bytes], content: IO[bytes]) -> None:
        super().__init__()
        self._raw = raw
        # The streams that decompress have no type in common that has `readinto`.
        self._content: Any = content
        self._size = 0

    def readable(self) -> bool:
        """Say that the content can be read."""
        return True

    def tell(self) -> int:
        """Give the number of bytes that were read."""
        return self._size

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        """Fill the buffer as far as one read of the decompressor goes; give 0 at the end."""
        with memoryview(buffer) as view:
            # No more than a chunk at a time: a decompressor may make a buffer of the size that is asked for.
            data = self._content.read(min(len(view), CHUNK_BYTES))
            view[: len(data)] = data
        self._size += len(data)
        if self._size > max(EXPANDED_BYTES_MAX, EXPANSION_MAX * self._raw.tell()):
            raise Forbidden(
                f"expands to more than {EXPANSION_MAX} times its size, as if made to exhaust memory and time"
            )
        return len(data)
