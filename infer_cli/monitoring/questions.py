"""A question whose answer is waited for only so long, and which is not asked twice at a time."""

from __future__ import annotations

import threading
import time
from concurrent.futures import Future, wait
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

Answer = TypeVar("Answer")


class Question(Generic[Answer]):
    """Asks in a thread of its own, which the end of the program does not wait for."""

    def __init__(self, ask: Callable[[], Answer]) -> None:
        self._ask = ask
        self._asked: Future[Answer] | None = None

    def begin(self) -> Future[Answer]:
        """Ask, unless the last answer has not been taken yet."""
        if self._asked is None:
            self._asked = Future()
            threading.Thread(target=self._run, args=(self._asked,), daemon=True).start()
        return self._asked

    def take(self, deadline_s: float | None) -> Answer:
        """The answer, or the error that asking raised; raises `TimeoutError` if it is not here in time.

        `deadline_s` is a time of `time.monotonic`; None waits for as long as it takes. An answer that comes
        later is the next one to be taken.
        """
        asked = self.begin()
        timeout_s = None if deadline_s is None else max(0.0, deadline_s - time.monotonic())
        done, _ = wait([asked], timeout_s)
        if not done:
            raise TimeoutError
        self._asked = None
        return asked.result()

    def _run(self, asked: Future[Answer]) -> None:
        try:
            asked.set_result(self._ask())
        except BaseException as error:  # noqa: BLE001 (it is raised where the answer is taken)
            asked.set_exception(error)
