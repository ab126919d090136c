"""Asks a service for the predictions of batches: several at once, patiently, and without the refused rows."""

from __future__ import annotations

import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from queue import SimpleQueue
from threading import Event
from typing import TYPE_CHECKING, TypeVar

from infer_cli.errors import RowsRefused, ServiceAway

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence
    from concurrent.futures import Future

    from infer_cli.client.predictions import Predictions
    from infer_cli.client.rows import Row
    from infer_cli.client.service_client import ServiceClient

T = TypeVar("T")
R = TypeVar("R")

# The system gives each connection to any worker. With three connections, one of two workers gets none in a
# quarter of all runs, and idles; with five, in a sixteenth.
_CONNECTIONS_A_WORKER = 2
# Reading and writing the rows take one processor, which more requests do not relieve.
_MOST_CONNECTIONS = 33
# A slow model has several batches at once, each of which waits for the others.
_TIMEOUT_S = 900.0
# Batches that wait until a connection is free, so that none has to wait for a batch to be read.
_WAITING = 2
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.5, 5.0


def connections_for(client: ServiceClient) -> int:
    """How many requests at once keep all workers of a service busy."""
    return min(_CONNECTIONS_A_WORKER * client.worker_count() + 1, _MOST_CONNECTIONS)


@dataclass(frozen=True)
class Sorted:
    """The predictions for the rows that were not refused, in their order; and the refused ones.

    `answer` is None if all rows were refused. `refused` has the reasons by position.
    """

    answer: Predictions | None
    refused: dict[int, str]


class Asker:
    """Asks a service through several connections; every one of them is used by one thread at a time."""

    def __init__(self, clients: Sequence[ServiceClient], retry_for_s: float) -> None:
        self._clients: SimpleQueue[ServiceClient] = SimpleQueue()
        for client in clients:
            # All waiting is done here, where it ends with the command.
            client.busy_for_s, client.timeout_s = 0.0, _TIMEOUT_S
            self._clients.put(client)
        self._all = list(clients)
        self._retry_for_s = retry_for_s
        self._ended = Event()

    @contextmanager
    def answers(
        self, batches: Iterator[T], ask: Callable[[ServiceClient, T], R]
    ) -> Iterator[Iterator[tuple[T, R]]]:
        """The batches with their answers, in their order; `ask` runs in other threads.

        A batch is read when there is room for it, so that the memory for batches does not grow. At the end of
        the block, requests that have no answer yet are given up.
        """
        pool = ThreadPoolExecutor(len(self._all))
        try:
            yield self._in_order(pool, batches, ask)
        finally:
            self._ended.set()
            for client in self._all:
                client.end()
            pool.shutdown(cancel_futures=True)

    def _in_order(
        self, pool: ThreadPoolExecutor, batches: Iterator[T], ask: Callable[[ServiceClient, T], R]
    ) -> Iterator[tuple[T, R]]:
        waiting: deque[tuple[T, Future[R]]] = deque()
        failed: Exception | None = None
        is_read = False
        while not is_read or waiting:
            while not is_read and len(waiting) < len(self._all) + _WAITING:
                try:
                    batch = next(batches)
                except StopIteration:
                    is_read = True
                except Exception as error:  # noqa: BLE001 (raised below, behind the batches before it)
                    failed, is_read = error, True
                else:
                    waiting.append((batch, pool.submit(self._ask, ask, batch)))
            if waiting:
                first, answer = waiting.popleft()
                yield first, answer.result()
        if failed is not None:
            raise failed

    def _ask(self, ask: Callable[[ServiceClient, T], R], batch: T) -> R:
        client = self._clients.get()
        try:
            return ask(client, batch)
        finally:
            self._clients.put(client)

    def predict(
        self, client: ServiceClient, rows: Sequence[Row], *, first_row: int | None = None
    ) -> Predictions:
        """Predict rows; ask again while the service is away, with pauses, until the patience is over.

        Raises `RowsRefused`, and at the end `ServiceAway`.
        """
        pause_s, end = _FIRST_PAUSE_S, None
        while True:
            try:
                return client.predict(rows, first_row=first_row)
            except ServiceAway as error:
                now = time.monotonic()
                end = now + self._retry_for_s if end is None else end
                if now >= end:
                    raise
                # The last attempt is made when the patience is over.
                wanted = pause_s if error.retry_after_s is None else max(error.retry_after_s, _FIRST_PAUSE_S)
                if self._ended.wait(min(wanted, end - now)):
                    raise
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    def sort_out(self, client: ServiceClient, rows: Sequence[Row]) -> Sorted:
        """Predict all rows but the refused ones, each of which is told apart by the service or by halving."""
        answers: list[Predictions] = []
        refused: dict[int, str] = {}
        # The positions of rows that have no answer yet, one request each, the next one last.
        left = [list(range(len(rows)))] if rows else []
        while left:
            asked = left.pop()
            try:
                answers.append(self.predict(client, [rows[at] for at in asked]))
            except RowsRefused as error:
                found = {asked[at]: why for at, why in error.by_row.items() if at < len(asked)}
                if not found and len(asked) == 1:
                    found = {asked[0]: error.reason}
                refused.update(found)
                left.extend(reversed(next_requests(asked, found)))
        if not answers:
            return Sorted(None, refused)
        first, *others = answers
        for answer in others:
            first = first.followed_by(answer)
        return Sorted(first, refused)


def next_requests(asked: list[int], refused: Collection[int]) -> list[list[int]]:
    """What to ask next of the rows of a refused request, in their order; halves if no row was named.

    A service names refused rows from the first one on, and may not get to the last. So the rows before the
    last named one hold no further refused rows, and the rows behind it may hold some.
    """
    last = max(refused, default=asked[len(asked) // 2 - 1])
    before = [at for at in asked if at <= last and at not in refused]
    behind = [at for at in asked if at > last]
    return [part for part in (before, behind) if part]
