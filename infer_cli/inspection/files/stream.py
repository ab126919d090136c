"""The bytes of a file in order: counted and hashed on the way, and never all in memory."""

from __future__ import annotations

import hashlib
import io
from typing import TYPE_CHECKING, Protocol

from infer_cli.inspection.files.refusal import EndOfFile, Refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from _typeshed import WriteableBuffer

# A chunk of this size stays in the processor's cache between reading and hashing.
CHUNK_BYTES = 256 * 1024
# The longest line that is kept whole. Pickle protocol 0 writes a whole array as one line, which is skipped.
LINE_BYTES_MAX = 64 * 1024


class Source(Protocol):
    """Where a stream reads from: a file, or a decompressor of a file."""

    def readinto(self, buffer: bytearray | memoryview, /) -> int | None:
        """Fill the buffer as far as one read goes, and give the number of bytes; 0 at the end."""


class HashedFile(io.RawIOBase):
    """A file that hashes its bytes as they are read: the digest is of the very bytes that were inspected."""

    def __init__(self, file: io.RawIOBase) -> None:
        super().__init__()
        self._file = file
        self._hash = hashlib.sha256()
        self.size_bytes = 0

    def readable(self) -> bool:
        """Say that the file can be read."""
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        """Fill the buffer as far as one read goes, and hash the bytes; give 0 at the end."""
        with memoryview(buffer) as view:
            count = self._file.readinto(view) or 0
            self._hash.update(view[:count])
        self.size_bytes += count
        return count

    def finish(self) -> str:
        """Read the rest of the file, and give the SHA-256 of the whole file in hexadecimal."""
        scratch = bytearray(CHUNK_BYTES)
        while self.readinto(scratch):
            pass
        return self._hash.hexdigest()


class Stream:
    """Reads a source piece by piece. A method that needs more bytes than are left raises `EndOfFile`."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._scratch = bytearray(CHUNK_BYTES)
        self._chunk = b""
        self._next = 0
        self._chunk_start = 0

    def peek(self, size: int) -> bytes:
        """Give up to `size` of the next bytes without reading them; fewer where a chunk ends."""
        return b"" if self.is_at_end() else self._chunk[self._next : self._next + size]

    @property
    def position(self) -> int:
        """The number of bytes that have been read."""
        return self._chunk_start + self._next

    def byte(self) -> int:
        """Read one byte."""
        try:
            value = self._chunk[self._next]
        except IndexError:
            self._refill()
            value = self._chunk[0]
        self._next += 1
        return value

    def read(self, size: int) -> bytes:
        """Read `size` bytes. The caller makes sure that they fit in memory."""
        end = self._next + size
        if end <= len(self._chunk):
            data = self._chunk[self._next : end]
            self._next = end
            return data
        parts = []
        while size:
            if self._next == len(self._chunk):
                self._refill()
            part = self._chunk[self._next : self._next + size]
            self._next += len(part)
            size -= len(part)
            parts.append(part)
        return b"".join(parts)

    def skip(self, size: int, see: Callable[[bytes | memoryview], None] | None = None) -> None:
        """Skip `size` bytes without keeping them; `see` is shown them, piece by piece."""
        here = min(size, len(self._chunk) - self._next)
        if see is not None and here:
            see(self._chunk[self._next : self._next + here])
        self._next += here
        size -= here
        while size:
            with memoryview(self._scratch) as view:
                count = self._source.readinto(view[: min(size, CHUNK_BYTES)])
                if see is not None and count:
                    see(view[:count])
            if not count:
                raise EndOfFile(self.position)
            self._chunk_start += count
            size -= count

    def line(self) -> bytes:
        """Give the next line without its newline; raise `Refused` if it is longer than `LINE_BYTES_MAX`."""
        line, length = self.line_start(LINE_BYTES_MAX)
        if length > len(line):
            reason = f"has a line of {length} bytes before byte {self.position}, where a short line belongs"
            raise Refused(reason)
        return line

    def line_start(self, keep: int) -> tuple[bytes, int]:
        """Read a line; give its first `keep` bytes at most, and the length of the whole line."""
        kept = bytearray()
        length = 0
        while True:
            end = self._chunk.find(b"\n", self._next)
            stop = len(self._chunk) if end < 0 else end
            kept += self._chunk[self._next : min(stop, self._next + keep - len(kept))]
            length += stop - self._next
            self._next = stop
            if end >= 0:
                self._next += 1
                return bytes(kept), length
            self._refill()

    def is_at_end(self) -> bool:
        """Say whether the source has no more bytes."""
        return self._next == len(self._chunk) and not self._fill()

    def _fill(self) -> bool:
        """Read the next chunk, and say whether there was one."""
        count = self._source.readinto(self._scratch)
        if not count:
            return False
        self._chunk_start += len(self._chunk)
        self._chunk = bytes(memoryview(self._scratch)[:count])
        self._next = 0
        return True

    def _refill(self) -> None:
        if not self._fill():
            raise EndOfFile(self.position)
