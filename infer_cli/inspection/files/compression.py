"""The compressions that a model file may have, and how each is read.

They are the compressors of joblib, which tells them by the same first bytes (`joblib/compressor.py`).
"""

from __future__ import annotations

import bz2
import importlib
import io
import lzma
import zlib
from typing import TYPE_CHECKING, Literal, TypeAlias

from infer_cli.inspection.files.refusal import EndOfFile, Refused
from infer_cli.inspection.files.stream import CHUNK_BYTES

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

    from infer_cli.inspection.files.stream import HashedFile, Source

Compression: TypeAlias = Literal["gzip", "bz2", "xz", "lzma", "zlib", "lz4"]

_MAGIC: tuple[tuple[bytes, Compression], ...] = (
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bz2"),
    (b"\xfd7zXZ", "xz"),
    (b"]\0", "lzma"),
    (b"\x04\x22\x4d\x18", "lz4"),
    (b"\x78", "zlib"),
)
# A file that expands beyond both limits is a decompression bomb. A real array of zeros expands by more than
# 200 times too, but not to 512 MiB.
EXPANDED_BYTES_MAX = 512 * 1024**2
EXPANSION_MAX = 200
_DAMAGED = "Copy or download the file again, or save the model again."


def compression_of(start: bytes) -> Compression | None:
    """Give the compression of a file with these first bytes, None if it is not compressed."""
    return next((name for magic, name in _MAGIC if start.startswith(magic)), None)


def expanded(file: HashedFile, compression: Compression | None) -> Source:
    """Give a source of the decompressed content."""
    match compression:
        case None:
            return file
        case "gzip":
            return Expanded(file, _Inflated(file, zlib.MAX_WBITS | 16))
        case "zlib":
            return Expanded(file, _Inflated(file, zlib.MAX_WBITS))
        case "bz2":
            return Expanded(file, bz2.BZ2File(io.BufferedReader(file, CHUNK_BYTES)))
        case "xz" | "lzma":
            return Expanded(file, lzma.LZMAFile(io.BufferedReader(file, CHUNK_BYTES)))
        case "lz4":
            return Expanded(file, _lz4(file))


class Expanded:
    """The content of a compressed file; reading damage, or more than the limits, raises `Refused`."""

    def __init__(self, file: HashedFile, content: Source) -> None:
        self._file = file
        self._content = content
        self._size = 0

    def readinto(self, buffer: bytearray | memoryview, /) -> int:
        """Fill the buffer as far as one read of the decompressor goes; give 0 at the end."""
        try:
            count = self._content.readinto(buffer) or 0
        except EOFError as error:
            raise EndOfFile(self._file.size_bytes) from error
        except (OSError, RuntimeError, zlib.error, lzma.LZMAError) as error:
            reason = f"is damaged: it cannot be decompressed ({error})"
            raise Refused(reason, hint=_DAMAGED) from error
        self._size += count
        if self._size > max(EXPANDED_BYTES_MAX, EXPANSION_MAX * self._file.size_bytes):
            reason = (
                f"expands to more than {EXPANSION_MAX} times its size, as if made to exhaust memory and time"
            )
            raise Refused(reason)
        return count


class _Inflated(io.RawIOBase):
    """The content of a gzip or zlib file of one stream; a second stream is refused, as joblib reads none."""

    def __init__(self, file: HashedFile, window_bits: int) -> None:
        super().__init__()
        self._file = file
        self._inflater = zlib.decompressobj(window_bits)
        self._scratch = bytearray(CHUNK_BYTES)
        self._input = b""

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        """Fill the buffer as far as the next piece of input goes; give 0 at the end."""
        with memoryview(buffer) as view:
            while not self._inflater.eof:
                if not self._input:
                    count = self._file.readinto(self._scratch)
                    if not count:
                        raise EOFError
                    self._input = bytes(memoryview(self._scratch)[:count])
                data = self._inflater.decompress(self._input, len(view))
                self._input = self._inflater.unconsumed_tail
                if data:
                    view[: len(data)] = data
                    return len(data)
            if self._inflater.unused_data or self._file.readinto(self._scratch):
                reason = "goes on after the end of its compressed content"
                raise Refused(reason, hint="Save the model again, by itself, with joblib.dump.")
            return 0


def _lz4(file: HashedFile) -> Source:
    try:
        lz4_frame = importlib.import_module("lz4.frame")
    except ImportError as error:
        reason = "is compressed with LZ4, which Python cannot read by itself"
        hint = "Install lz4 where infer runs, or save the model with joblib.dump(model, path, compress=3)."
        raise Refused(reason, hint=hint) from error
    content: Source = lz4_frame.LZ4FrameFile(file)
    return content
