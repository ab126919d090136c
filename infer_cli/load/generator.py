"""Sends requests at the moments at which they are due, whether or not earlier ones have been answered.

A load that waits for an answer before it sends the next request spares a service that stalls: it sends
nothing meanwhile, and counts one slow request where users would have waited in hundreds. That is called
coordinated omission. Here the schedule never waits, and the latency of a request is counted from the moment
at which it was due.
"""

from __future__ import annotations

import asyncio
import gc
import os
import selectors
import socket
import time
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from infer_cli.client.connection import address_of, tls_context
from infer_cli.errors import PredictionFailed
from infer_cli.load.connections import Connection, Job
from infer_cli.load.judge import Judge
from infer_cli.load.result import LoadResult
from infer_cli.load.schedule import due_times

if TYPE_CHECKING:
    import ssl
    from collections.abc import Sequence

    from infer_cli.load.http_answers import HttpAnswer
    from infer_cli.load.requests import PreparedRequest
    from infer_cli.load.result import LoadPlan

_OK, _BUSY, _CLIENT_ERROR, _SERVER_ERROR = 200, 503, 400, 500
# Between two looks for requests that have waited too long.
_SWEEP_S = 0.05
# At most this many requests are sent before answers are read again.
_BURST = 50
# A service that has answered nothing for so long, and failed so many requests, is lost.
_LOST_AFTER_S, _LOST_FAILURES = 3.0, 10
_CONNECT_TIMEOUT_S = 5.0
# The nanoseconds that a process ran, and that it waited for a processor.
_SCHEDULED = Path("/proc/self/schedstat")


class _Address(NamedTuple):
    """Where to connect, and what is needed for TLS, if that is spoken there."""

    host: str
    port: int
    context: ssl.SSLContext | None
    name: str | None


def run_load(
    url: str, requests: Sequence[PreparedRequest], plan: LoadPlan, *, known: Path | None = None
) -> LoadResult:
    """Load the service at `url`, and measure; raises `PredictionFailed` if nothing accepts connections.

    `known` is a file of certificates, one of which the service has.
    """
    address = _address(url, known)
    gc.collect()
    # A collection would stop the sending for some milliseconds.
    gc.disable()
    try:
        with asyncio.Runner(loop_factory=_precise_loop) as runner:
            return runner.run(_Load(address, requests, plan).run())
    finally:
        gc.enable()


def _precise_loop() -> asyncio.AbstractEventLoop:
    """A loop that wakes within microseconds: `epoll` and `poll`, the usual choices, count milliseconds."""
    return asyncio.SelectorEventLoop(selectors.SelectSelector())


def _wanted_s() -> float:
    """The seconds in which this process had work to do: on a processor, or waiting for one.

    Only Linux tells how long a process waited. Elsewhere it is the time on a processor.
    """
    try:
        running, waiting, _ = _SCHEDULED.read_text().split()
    except OSError:
        return time.process_time()
    return (int(running) + int(waiting)) / 1e9


def _address(url: str, known: Path | None) -> _Address:
    """The address that answers: a name such as localhost has several."""
    try:
        with socket.create_connection(address_of(url), timeout=_CONNECT_TIMEOUT_S) as connection:
            host, port = connection.getpeername()[:2]
    except OSError as error:
        raise PredictionFailed(
            f"nothing answers at {url}: {error.strerror or error}",
            hint="`infer ps` shows where services answer",
        ) from error
    context = tls_context(url, known)
    return _Address(str(host), int(port), context, address_of(url)[0] if context else None)


class _Load:
    def __init__(
        self,
        address: _Address,
        requests: Sequence[PreparedRequest],
        plan: LoadPlan,
    ) -> None:
        self._address = address
        self._requests = requests
        self._plan = plan
        self._judge = Judge(requests)
        self._result = LoadResult(plan)
        self._end = plan.warm_up_s + plan.duration_s
        self._due = due_times(plan.rate, self._end, plan.arrivals)
        self._next_due = next(self._due, None)
        self._number = 0
        self._unfinished = 0
        self._waiting: deque[Job] = deque()
        self._open: set[Connection] = set()
        self._idle: list[Connection] = []
        self._opening: set[asyncio.Task[None]] = set()
        self._failures = 0
        self._failing_since: float | None = None

    async def run(self) -> LoadResult:
        """Send everything that is due, and wait for the last answer."""
        self._loop = asyncio.get_running_loop()
        self._over = asyncio.Event()
        self._wanted_before_s = _wanted_s()
        self._start = self._loop.time()
        if self._next_due is None:
            return self._result
        self._tick()
        self._sweep()
        try:
            await self._over.wait()
        finally:
            for task in self._opening:
                task.cancel()
            for connection in list(self._open):
                connection.close()
        self._result.first_wrong = self._judge.first_wrong
        return self._result

    def _now(self) -> float:
        """The seconds since the start, as in the schedule."""
        return self._loop.time() - self._start

    # What is due.

    def _tick(self) -> None:
        """Send what is due, and come again when the next request is."""
        for _ in range(_BURST):
            due = self._next_due
            if due is None or self._over.is_set():
                return
            now = self._now()
            if due > now:
                self._loop.call_at(self._start + due, self._tick)
                return
            self._begin(due, now)
            self._next_due = next(self._due, None)
            if self._next_due is None:
                self._result.busy_share = (_wanted_s() - self._wanted_before_s) / self._now()
        self._loop.call_soon(self._tick)

    def _begin(self, due: float, now: float) -> None:
        job = Job(due, self._number % len(self._requests))
        self._number += 1
        self._unfinished += 1
        is_measured = self._is_measured(job)
        if is_measured:
            self._result.requests += 1
            self._result.lateness.add(now - due)
        if self._idle:
            self._send(self._idle.pop(), job)
            return
        self._waiting.append(job)
        if not self._open_one() and is_measured:
            self._result.waited_for_connection += 1

    def _send(self, connection: Connection, job: Job) -> None:
        job.sent = self._now()
        connection.send(job, self._requests[job.at].content)

    def _is_measured(self, job: Job) -> bool:
        return job.due >= self._plan.warm_up_s

    # Connections.

    def _open_one(self) -> bool:
        """Begin to open a connection, and tell whether there may be another one."""
        if len(self._open) + len(self._opening) >= self._plan.connections:
            return False
        task = self._loop.create_task(self._connect())
        self._opening.add(task)
        task.add_done_callback(self._opening.discard)
        return True

    async def _connect(self) -> None:
        """Open a connection for the request that has waited longest; that one fails with it."""
        try:
            async with asyncio.timeout(_CONNECT_TIMEOUT_S):
                host, port, context, name = self._address
                _, connection = await self._loop.create_connection(
                    lambda: Connection(self), host, port, ssl=context, server_hostname=name
                )
        except OSError as error:
            if self._waiting:
                reason = "timeout while connecting" if isinstance(error, TimeoutError) else _words(error)
                self._fail(self._waiting.popleft(), reason)
            return
        self._open.add(connection)
        self._use(connection)

    def _use(self, connection: Connection) -> None:
        """Give a free connection to the request that has waited longest, or keep it."""
        if not connection.is_open:
            return
        if self._waiting:
            self._send(connection, self._waiting.popleft())
        else:
            self._idle.append(connection)

    def _drop(self, connection: Connection) -> None:
        self._open.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)
        if self._waiting:
            self._open_one()

    # What became of a request.

    def on_answer(self, connection: Connection, job: Job, answer: HttpAnswer) -> None:
        """Count an answer."""
        now = self._now()
        if answer.keeps_open:
            self._use(connection)
        result, is_measured = self._result, self._is_measured(job)
        self._failing_since, self._failures = None, 0
        if answer.status == _OK and self._judge.is_right(job.at, answer.body):
            if self._plan.warm_up_s <= now < self._end:
                result.in_time += 1
            if is_measured:
                result.answered += 1
                self._measure(job, now)
        elif is_measured and answer.status == _OK:
            result.wrong += 1
        elif is_measured and answer.status == _BUSY:
            result.busy += 1
        elif is_measured and _CLIENT_ERROR <= answer.status < _SERVER_ERROR:
            result.refused[f"HTTP {answer.status}"] += 1
        elif is_measured:
            result.failed[f"HTTP {answer.status}"] += 1
        self._finish()

    def on_lost(self, connection: Connection, job: Job | None, reason: str, *, is_stale: bool) -> None:
        """Count a request that was lost with its connection, or send it again if it was not read."""
        if job is not None and is_stale:
            # A connection that never answered is not stale, so that this comes to an end.
            self._result.sent_again += 1
            self._waiting.appendleft(job)
        elif job is not None:
            self._fail(job, reason)
        self._drop(connection)

    def _measure(self, job: Job, now: float) -> None:
        self._result.latencies.add(now - job.due)
        self._result.from_sending.add(now - (job.sent or job.due))

    def _fail(self, job: Job, reason: str) -> None:
        if self._is_measured(job):
            self._result.failed[reason] += 1
        self._note_failure(reason)
        self._finish()

    def _note_failure(self, reason: str) -> None:
        """End the load if the service does not answer any more."""
        now = self._now()
        if self._failing_since is None:
            self._failing_since = now
        self._failures += 1
        if self._failures >= _LOST_FAILURES and (
            now - self._failing_since > _LOST_AFTER_S or self._next_due is None
        ):
            self._result.lost_after_s = self._failing_since
            self._result.lost_reason = reason
            self._over.set()

    def _finish(self) -> None:
        self._unfinished -= 1
        if not self._unfinished and self._next_due is None:
            self._over.set()

    def _sweep(self) -> None:
        """Give up the requests that have waited too long."""
        oldest = self._now() - self._plan.timeout_s
        for connection in [one for one in self._open if one.job is not None and one.job.due < oldest]:
            job = connection.job
            connection.close()
            if job is not None:
                self._time_out(job)
        while self._waiting and self._waiting[0].due < oldest:
            self._time_out(self._waiting.popleft())
        if not self._over.is_set():
            self._loop.call_later(_SWEEP_S, self._sweep)

    def _time_out(self, job: Job) -> None:
        if self._is_measured(job):
            self._result.timeouts += 1
            self._measure(job, self._now())
        self._finish()


def _words(error: OSError) -> str:
    """The system's own words: those of asyncio hold the address, which is the same for all."""
    return os.strerror(error.errno).lower() if error.errno else str(error)
