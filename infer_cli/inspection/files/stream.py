"""A file's bytes in order: counted, hashed on the way, and never all in memory."""

from __future__ import annotations

import hashlib
import io
from typing import TYPE_CHECKING, Protocol

from infer_cli.inspection.files.refusal import EndOfFile, Refused

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

# Small enough to stay in a processor's cache between being read and being hashed.
CHUNK_BYTES = 256 * 1024
# The longest line that is looked at; protocol 0 writes a whole array as one line.
LINE_BYTES_MAX = 64 * 1024


class Source(Protocol):
    """What a stream reads from: a file, or what decompresses it."""

    def readinto(self, buffer: bytearray | memoryview, /) -> int | None:
        """Fill the buffer as far as one read goes; 0 at the end."""


class HashedFile(io.RawIOBase):
    """A file whose bytes are hashed as they are read, so that the digest is of what was inspected."""

    def __init__(self, file: io.RawIOBase) -> None:
        super().__init__()
        self._file = file
        self._hash = hashlib.sha256()
        self.size_bytes = 0

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        """Read once, and hash what was read."""
        with memoryview(buffer) as view:
            count = self._file.readinto(view) or 0
            self._hash.update(view[:count])
        self.size_bytes += count
        return count

    def finish(self) -> str:
        """Read what is left, and give the SHA-256 of the whole file."""
        scratch = bytearray(CHUNK_BYTES)
        while self.readinto(scratch):
            pass
        return self._hash.hexdigest()


class Stream:
    """Bytes read from a source one after another."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._scratch = bytearray(CHUNK_BYTES)
        self._chunk = b""
        self._next = 0
        self._chunk_start = 0

    def peek(self, size: int) -> bytes:
        """Give the next bytes, at most that many and perhaps fewer, without reading them."""
        return b"" if self.is_at_end() else self._chunk[self._next : self._next + size]

    @property
    def position(self) -> int:
        """How many bytes have been read."""
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
        """Read that many bytes; the caller has made sure that they fit in memory."""
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

    def skip(self, size: int) -> None:
        """Pass over that many bytes."""
        here = min(size, len(self._chunk) - self._next)
        self._next += here
        size -= here
        while size:
            with memoryview(self._scratch) as view:
                count = self._source.readinto(view[: min(size, CHUNK_BYTES)])
            if not count:
                raise EndOfFile(self.position)
            self._chunk_start += count
            size -= count

    def line(self) -> bytes:
        """Read a line, and give it without its end."""
        line, length = self.line_start(LINE_BYTES_MAX)
        if length > len(line):
            reason = f"has a line of {length} bytes before byte {self.position}, where a short one belongs"
            raise Refused(reason)
        return line

    def line_start(self, keep: int) -> tuple[bytes, int]:
        """Read a line; give its start, of at most `keep` bytes, and the length of it all."""
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
        """Say whether all bytes have been read."""
        return self._next == len(self._chunk) and not self._fill()

    def _fill(self) -> bool:
        """Read the next chunk, if there is one."""
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
