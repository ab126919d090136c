"""Natural batching: rows that arrive while a call to the model runs wait, and go into the next call together.

For many models, 60 rows take hardly longer than one. No request waits for a timer: the thread that finds the
model free leads the next call, with the rows of all requests that have come by then.

Most models hold the interpreter's lock while they work, so that no request can come in meanwhile. The leading
thread therefore releases the lock once before its call. After four calls in a row without another request, it
does so only for every 32nd call.

A request that is past its deadline leaves the queue at once.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Sized
from typing import Callable, Generic, TypeVar

from service.errors import DeadlineExceeded
from service.prediction import deadlines

Rows = TypeVar("Rows", bound=Sized)
Answer = TypeVar("Answer")

# A joint call takes longer with more rows, and the first request would wait for all of them.
MOST_ROWS = 1024
# After 4 calls in a row with one request only, others are let in for every 32nd call.
FEW_LONELY_CALLS = 4
CALLS_BETWEEN_LOOKS = 32


class _Request(Generic[Rows, Answer]):
    """The rows of one request, and their answer or error once there is one."""

    __slots__ = ("answer", "done", "error", "leads", "rows")

    def __init__(self, rows: Rows) -> None:
        self.rows = rows
        # Locked until there is an answer, or until this request's own thread leads the next call.
        self.done = threading.Lock()
        self.done.acquire()
        self.leads = False
        self.answer: Answer | None = None
        self.error: BaseException | None = None


class Batcher(Generic[Rows, Answer]):
    """Calls a function, one call at a time, with the rows of several threads joined.

    `ask` takes rows and gives an answer, `join` makes one set of rows of several, and `split` divides a joint
    answer, given the number of rows of each request. An error in a joint call is not shared: the function is
    then called for each request by itself. Requests are joined up to `most_rows` rows; with 0, none is.
    """

    def __init__(
        self,
        ask: Callable[[Rows], Answer],
        join: Callable[[list[Rows]], Rows],
        split: Callable[[Answer, list[int]], list[Answer]],
        *,
        most_rows: int = MOST_ROWS,
    ) -> None:
        self._ask = ask
        self._join = join
        self._split = split
        self._most_rows = most_rows
        self._lock = threading.Lock()
        self._is_busy = False
        self._waiting: deque[_Request[Rows, Answer]] = deque()
        # The number of calls in a row with one request only. Only the leading thread reads and writes it.
        self._lonely_calls = 0

    def ask(self, rows: Rows) -> Answer:
        """Give the answer to rows; raise what the function raises for them, or `DeadlineExceeded`."""
        request = _Request[Rows, Answer](rows)
        with self._lock:
            request.leads = not self._is_busy
            if request.leads:
                self._is_busy = True
            else:
                self._waiting.append(request)
        if not request.leads:
            self._wait(request)
        if request.leads:
            try:
                deadlines.check()
            except DeadlineExceeded:
                self._pass_on()
                raise
            self._lead(request)
        if request.error is not None:
            raise request.error
        return request.answer  # type: ignore[return-value]  # without an error, there is an answer

    def _wait(self, request: _Request[Rows, Answer]) -> None:
        """Wait until a request is answered or leads; if its deadline comes first, take it from the queue."""
        late = deadlines.acquired(request.done)
        if late is None:
            return
        with self._lock:
            if request in self._waiting:
                self._waiting.remove(request)
                raise late
        # It is part of the call that goes on now, or leads the next one.
        request.done.acquire()

    def _lead(self, first: _Request[Rows, Answer]) -> None:
        lonely = self._lonely_calls
        if self._most_rows and (lonely < FEW_LONELY_CALLS or lonely % CALLS_BETWEEN_LOOKS == 0):
            # Releases the interpreter's lock, for about 0.05 ms.
            time.sleep(0)
        requests = [first, *self._joining(len(first.rows))]
        self._lonely_calls = 0 if len(requests) > 1 else lonely + 1
        try:
            self._answer(requests)
        finally:
            self._pass_on()
            for request in requests[1:]:
                request.done.release()

    def _joining(self, count: int) -> list[_Request[Rows, Answer]]:
        """Take the waiting requests that fit into one call with a request of `count` rows."""
        joining = []
        with self._lock:
            while self._waiting and count + len(self._waiting[0].rows) <= self._most_rows:
                request = self._waiting.popleft()
                count += len(request.rows)
                joining.append(request)
        return joining

    def _answer(self, requests: list[_Request[Rows, Answer]]) -> None:
        if len(requests) > 1:
            try:
                joint = self._ask(self._join([request.rows for request in requests]))
                answers = self._split(joint, [len(request.rows) for request in requests])
            except Exception:  # noqa: BLE001 (the calls below show which request caused it)
                answers = []
            if answers:
                for request, answer in zip(requests, answers):
                    request.answer = answer
                return
        for request in requests:
            try:
                request.answer = self._ask(request.rows)
            except Exception as error:  # noqa: BLE001, PERF203 (raised again in its own thread)
                request.error = error

    def _pass_on(self) -> None:
        """Let the thread of the request that has waited longest lead the next call, if there is one."""
        with self._lock:
            following = self._waiting.popleft() if self._waiting else None
            self._is_busy = following is not None
        if following is not None:
            following.leads = True
            following.done.release()
