"""Natural batching: while one call to the model runs, the rows that arrive wait, and go together in the next.

For many models, sixty rows take hardly longer than one. Nothing waits for a timer: whoever finds the model
free asks it for all that have come until then. Most models keep the interpreter while they work, though, so
that nobody's rows come meanwhile. So who is to ask lets those in first who wait for the interpreter only;
but where there was nobody again and again, only now and then.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import Any, Callable, Generic, TypeVar

Answer = TypeVar("Answer")

# More rows than these take longer together, so that the first of them would wait for the others.
MOST_ROWS = 1024
# After so many requests in a row that nobody joined, others are let in only for one of so many.
FEW_LONELY = 4
OTHERS_SOUGHT = 32


class _Request(Generic[Answer]):
    """Rows on their way to the model, and what becomes of them."""

    __slots__ = ("answer", "done", "error", "leads", "rows")

    def __init__(self, rows: Any) -> None:  # noqa: ANN401
        self.rows = rows
        # Held until there is an answer, or until this request's own thread is to ask the model.
        self.done = threading.Lock()
        self.done.acquire()
        self.leads = False
        self.answer: Answer | None = None
        self.error: BaseException | None = None


class Batcher(Generic[Answer]):
    """Asks a function for the answers to rows of several threads at once.

    `ask` takes rows, `join` makes one set of rows of several, and `split` divides the answer by the numbers
    of rows. An error in a joint call is not shared: each request is then asked for by itself. Requests are
    joined up to `most_rows`; with 0, each is asked for alone, still one at a time.
    """

    def __init__(
        self,
        ask: Callable[[Any], Answer],
        join: Callable[[list[Any]], Any],
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
        self._waiting: deque[_Request[Answer]] = deque()
        # So many requests in a row went alone. Only who leads looks at it.
        self._lonely = 0

    def ask(self, rows: Any) -> Answer:  # noqa: ANN401
        """Give the answer to rows; raise what the function raises for them."""
        request = _Request[Answer](rows)
        with self._lock:
            request.leads = not self._is_busy
            if request.leads:
                self._is_busy = True
            else:
                self._waiting.append(request)
        if not request.leads:
            request.done.acquire()
        if request.leads:
            self._lead(request)
        if request.error is not None:
            raise request.error
        return request.answer  # type: ignore[return-value]  # there is one, as there is no error

    def _lead(self, first: _Request[Answer]) -> None:
        if self._most_rows and (self._lonely < FEW_LONELY or self._lonely % OTHERS_SOUGHT == 0):
            # As short as the system can: some 0.05 ms.
            time.sleep(0)
        requests = [first, *self._joining(len(first.rows))]
        self._lonely = 0 if len(requests) > 1 else self._lonely + 1
        try:
            self._answer(requests)
        finally:
            self._pass_on()
            for request in requests[1:]:
                request.done.release()

    def _joining(self, count: int) -> list[_Request[Answer]]:
        """Take those that go with a request of so many rows."""
        joining = []
        with self._lock:
            while self._waiting and count + len(self._waiting[0].rows) <= self._most_rows:
                request = self._waiting.popleft()
                count += len(request.rows)
                joining.append(request)
        return joining

    def _answer(self, requests: list[_Request[Answer]]) -> None:
        if len(requests) > 1:
            try:
                joint = self._ask(self._join([request.rows for request in requests]))
                answers = self._split(joint, [len(request.rows) for request in requests])
            except Exception:  # noqa: BLE001 (whose fault it was shows below)
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
        """Let the request that has waited longest ask next, if there is one."""
        with self._lock:
            following = self._waiting.popleft() if self._waiting else None
            self._is_busy = following is not None
        if following is not None:
            following.leads = True
            following.done.release()
