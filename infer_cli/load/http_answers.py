"""Reads the answers of HTTP/1.1 from the bytes of a connection, as they come."""

from __future__ import annotations

from dataclasses import dataclass

_HEAD_END = b"\r\n\r\n"
_LONGEST_HEAD = 65_536
_FIRST_FINAL_STATUS = 200
# These have no body, whatever their headers say.
_WITHOUT_BODY = (204, 304)


class NotHttp(ValueError):
    """The bytes are no answer of HTTP/1.1."""


@dataclass(frozen=True)
class HttpAnswer:
    """A whole answer; `keeps_open` says that the connection takes another request."""

    status: int
    body: bytes
    keeps_open: bool


class AnswerReader:
    """Puts one answer together; a new reader reads the next one."""

    def __init__(self) -> None:
        self._received = bytearray()
        self._status = 0
        self._start = 0
        self._length: int | None = None
        self._is_chunked = False
        self._keeps_open = True

    @property
    def has_begun(self) -> bool:
        """Whether anything came."""
        return bool(self._received) or self._status > 0

    def feed(self, data: bytes) -> HttpAnswer | None:
        """The answer, if these bytes complete it; raises `NotHttp`."""
        self._received += data
        while not self._status:
            if not self._read_head():
                return None
        if self._is_chunked:
            return self._read_chunks()
        if self._length is None or len(self._received) < self._start + self._length:
            return None
        return self._whole(bytes(self._received[self._start : self._start + self._length]), self._length)

    def end(self) -> HttpAnswer | None:
        """The answer, if the end of the connection completes it."""
        if self._status and self._length is None and not self._is_chunked:
            return HttpAnswer(self._status, bytes(self._received[self._start :]), keeps_open=False)
        return None

    def _read_head(self) -> bool:
        """Read the status and the headers, if they are there; an answer that only says "wait" is skipped."""
        end = self._received.find(_HEAD_END)
        if end < 0:
            if len(self._received) > _LONGEST_HEAD:
                raise NotHttp("its headers do not end")
            return False
        lines = bytes(self._received[:end]).split(b"\r\n")
        words = lines[0].split(b" ", 2)
        if len(words) < 2 or not words[0].startswith(b"HTTP/1.") or not words[1].isdigit():  # noqa: PLR2004
            raise NotHttp(f"it begins with {lines[0][:40]!r}")
        status = int(words[1])
        if status < _FIRST_FINAL_STATUS:
            del self._received[: end + len(_HEAD_END)]
            return bool(self._received)
        self._status, self._start = status, end + len(_HEAD_END)
        self._keeps_open = words[0] != b"HTTP/1.0"
        for line in lines[1:]:
            name, _, value = line.partition(b":")
            self._read_header(name.lower(), value.strip().lower())
        if status in _WITHOUT_BODY:
            self._length, self._is_chunked = 0, False
        return True

    def _read_header(self, name: bytes, value: bytes) -> None:
        if name == b"content-length":
            if not value.isdigit():
                raise NotHttp(f"its length is {value[:40]!r}")
            self._length = int(value)
        elif name == b"transfer-encoding":
            self._is_chunked = b"chunked" in value
        elif name == b"connection":
            self._keeps_open = b"close" not in value and (self._keeps_open or b"keep-alive" in value)

    def _read_chunks(self) -> HttpAnswer | None:
        """Read a body in chunks from its start, if all of them are there."""
        at = self._start
        parts: list[bytes] = []
        while True:
            line_end = self._received.find(b"\r\n", at)
            if line_end < 0:
                return None
            try:
                size = int(bytes(self._received[at:line_end]).partition(b";")[0], 16)
            except ValueError as error:
                raise NotHttp("a chunk of it has no size") from error
            if not size:
                return self._read_trailers(line_end, b"".join(parts))
            begin = line_end + 2
            if len(self._received) < begin + size + 2:
                return None
            parts.append(bytes(self._received[begin : begin + size]))
            at = begin + size + 2

    def _read_trailers(self, line_end: int, body: bytes) -> HttpAnswer | None:
        end = self._received.find(_HEAD_END, line_end)
        return None if end < 0 else self._whole(body, end + len(_HEAD_END) - self._start)

    def _whole(self, body: bytes, length: int) -> HttpAnswer:
        # What comes behind an answer belongs to no request.
        is_clean = len(self._received) == self._start + length
        return HttpAnswer(self._status, body, keeps_open=self._keeps_open and is_clean)
