"""Connections of a load: kept open, with one request at a time on each."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, cast

from infer_cli.load.http_answers import AnswerReader, NotHttp

if TYPE_CHECKING:
    from infer_cli.load.http_answers import HttpAnswer


@dataclass(slots=True)
class Job:
    """One request: when it was due, which of the requests it sends, and when it was sent last."""

    due: float
    at: int
    sent: float = 0.0


class Owner(Protocol):
    """Learns what becomes of the requests on a connection."""

    def on_answer(self, connection: Connection, job: Job, answer: HttpAnswer) -> None:
        """Take an answer; the connection is free again, or closed if it does not keep open."""

    def on_lost(self, connection: Connection, job: Job | None, reason: str, *, is_stale: bool) -> None:
        """Take the end of a connection, and the request that was on it.

        `is_stale`: the connection was used before, and nothing of this answer came; the other side may have
        closed it before the request arrived.
        """


class Connection(asyncio.Protocol):
    """A connection that sends one request at a time."""

    def __init__(self, owner: Owner) -> None:
        self._owner = owner
        self._transport: asyncio.Transport | None = None
        self._reader = AnswerReader()
        self._answered = 0
        self.job: Job | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep what writes."""
        self._transport = cast("asyncio.Transport", transport)

    @property
    def is_open(self) -> bool:
        """Whether a request can be sent."""
        return self._transport is not None and not self._transport.is_closing()

    def send(self, job: Job, request: bytes) -> None:
        """Send the request of a job."""
        self.job = job
        self._reader = AnswerReader()
        if self._transport is not None:
            self._transport.write(request)

    def close(self) -> None:
        """Close the connection; nothing more is told of it."""
        self.job = None
        if self._transport is not None:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """Read a part of an answer, or all of it."""
        if self.job is None:
            # Nothing was asked.
            self.close()
            return
        try:
            answer = self._reader.feed(data)
        except NotHttp as error:
            self._lose(f"it does not answer in HTTP: {error}")
            self.close()
            return
        if answer is not None:
            self._finish(answer)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell of the end; for an answer without a length, it is the end of the answer."""
        answer = self._reader.end() if self.job is not None else None
        if answer is not None:
            self._finish(answer)
        self._lose("connection closed" if exc is None else str(exc).partition("] ")[2].lower() or str(exc))

    def _finish(self, answer: HttpAnswer) -> None:
        job, self.job = self.job, None
        self._answered += 1
        if not answer.keeps_open and self._transport is not None:
            self._transport.close()
        if job is not None:
            self._owner.on_answer(self, job, answer)

    def _lose(self, reason: str) -> None:
        job, self.job = self.job, None
        is_stale = self._answered > 0 and not self._reader.has_begun
        self._owner.on_lost(self, job, reason, is_stale=is_stale)
