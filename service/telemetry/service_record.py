"""What a service tells of itself for as long as it runs, in memory that all its processes share.

It outlives each model: a service may serve one model after another, each by processes of its own, which are
called a generation. It is made without NumPy, which the process that makes it has not imported.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

from service.telemetry.counter_sizes import REGION_BYTES
from service.telemetry.shared_file import SharedFile

if TYPE_CHECKING:
    from collections.abc import Sequence

# Why workers were replaced: they ended by themselves, or were ended because they answered nothing.
CAUSES = ("ended", "unresponsive")
# How an attempt to serve another model ended: it is served; it was refused; it is the one that is served; the
# model before is served again.
SERVED, REFUSED, UNCHANGED, ROLLED_BACK = OUTCOMES = ("served", "refused", "unchanged", "rolled_back")
# A generation that ends, the one that serves, one that loads, and the process that started them all.
MOST_PROCESSES = 4
# For a reason of many words, in UTF-8.
TEXT_BYTES = 4096

_REPLACED_AT = 0
_OUTCOMES_AT = _REPLACED_AT + len(CAUSES)
_PROCESSES_AT = _OUTCOMES_AT + len(OUTCOMES)
_SERVING_AT = _PROCESSES_AT + MOST_PROCESSES
_STARTED_AT, _HANDED_OVER_AT, _STOPS_AT, _ASKED_AT, _ANSWERED_AT, _ROUTES_AT = range(
    _SERVING_AT + 1, _SERVING_AT + 7
)
_LAST_AT, _LAST_TIME_AT, _VERSION_AT, _LENGTH_AT, _TEXT_AT = range(_ROUTES_AT + 1, _ROUTES_AT + 6)
_SIZE = 8


class Attempt(NamedTuple):
    """How the last attempt to serve another model ended.

    `outcome` is one of `OUTCOMES`, `reason` is empty if the model is served, and `ended_s` is in seconds
    since 1970.
    """

    outcome: str
    reason: str
    ended_s: float


class ServiceRecord:
    """Numbers of 8 bytes, each written by one process at a time, and read by all."""

    def __init__(self, counter_regions: int = 1) -> None:
        """`counter_regions` is how many workers may count requests at the same time."""
        self._file = SharedFile("infer-service", _TEXT_AT * _SIZE + TEXT_BYTES)
        self._counter_regions = counter_regions
        self.counters = self.fresh_counters()
        # When the service started, in seconds since 1970.
        self.since = time.time()

    def fresh_counters(self) -> SharedFile:
        """Give memory for counts that are all 0."""
        return SharedFile("infer-counters", self._counter_regions * REGION_BYTES)

    @property
    def _numbers(self) -> memoryview:
        return memoryview(self._file.map)[: _TEXT_AT * _SIZE].cast("q")

    def count_replaced(self, cause: str) -> None:
        """Count a worker that is replaced; the cause is one of `CAUSES`."""
        self._numbers[_REPLACED_AT + CAUSES.index(cause)] += 1

    @property
    def replaced(self) -> dict[str, int]:
        """How many workers were replaced, by cause."""
        return dict(zip(CAUSES, self._numbers[_REPLACED_AT:]))

    @property
    def outcomes(self) -> dict[str, int]:
        """How many attempts to serve another model ended, by outcome."""
        return dict(zip(OUTCOMES, self._numbers[_OUTCOMES_AT:]))

    @property
    def processes(self) -> list[int]:
        """The process ids of the first process, and of each generation that has not ended."""
        return [pid for pid in self._numbers[_PROCESSES_AT:_SERVING_AT] if pid]

    @processes.setter
    def processes(self, pids: Sequence[int]) -> None:
        numbers = self._numbers
        for place in range(MOST_PROCESSES):
            numbers[_PROCESSES_AT + place] = pids[place] if place < len(pids) else 0

    @property
    def serving(self) -> int:
        """The number of the generation that serves, counted from 1."""
        return self._numbers[_SERVING_AT]

    @serving.setter
    def serving(self, generation: int) -> None:
        self._numbers[_SERVING_AT] = generation

    @property
    def started(self) -> int:
        """The number of the last generation all of whose workers have started."""
        return self._numbers[_STARTED_AT]

    @started.setter
    def started(self, generation: int) -> None:
        self._numbers[_STARTED_AT] = generation

    @property
    def handed_over(self) -> int:
        """The number of the last generation that takes no further connections."""
        return self._numbers[_HANDED_OVER_AT]

    @handed_over.setter
    def handed_over(self, generation: int) -> None:
        self._numbers[_HANDED_OVER_AT] = generation

    def tell_stop(self) -> None:
        """Tell all processes that the whole service is to stop."""
        self._numbers[_STOPS_AT] = 1

    @property
    def is_stopping(self) -> bool:
        """Whether the whole service is to stop."""
        return bool(self._numbers[_STOPS_AT])

    def has_routes(self, routes: int) -> bool:
        """Tell whether this is the hash of the routes that the counters are for; the first one given is."""
        numbers = self._numbers
        # 0 is what no one has given yet.
        numbers[_ROUTES_AT] = numbers[_ROUTES_AT] or routes + 1
        return numbers[_ROUTES_AT] == routes + 1

    def ask(self) -> int:
        """Ask the first process to load the model file again; give the number of this request."""
        self._numbers[_ASKED_AT] += 1
        return self._numbers[_ASKED_AT]

    @property
    def asked(self) -> int:
        """The number of the last request to load the model file again."""
        return self._numbers[_ASKED_AT]

    @property
    def answered(self) -> int:
        """The number of the last such request after which the model file was loaded, or refused."""
        return self._numbers[_ANSWERED_AT]

    def tell(self, outcome: str, reason: str, *, asked: int) -> None:
        """Tell how an attempt ended, which began when `asked` was the number of the last request."""
        numbers = self._numbers
        text = reason.encode("utf-8", "replace")[:TEXT_BYTES]
        # An odd version says that the rest is being written.
        numbers[_VERSION_AT] += 1
        numbers[_LAST_AT] = OUTCOMES.index(outcome)
        numbers[_LAST_TIME_AT] = time.time_ns()
        numbers[_LENGTH_AT] = len(text)
        self._file.map[_TEXT_AT * _SIZE : _TEXT_AT * _SIZE + len(text)] = text
        numbers[_VERSION_AT] += 1
        numbers[_OUTCOMES_AT + OUTCOMES.index(outcome)] += 1
        numbers[_ANSWERED_AT] = asked

    @property
    def last(self) -> Attempt | None:
        """How the last attempt ended; None if there was none."""
        numbers = self._numbers
        while True:
            version = numbers[_VERSION_AT]
            if not version:
                return None
            outcome, ended_ns = OUTCOMES[numbers[_LAST_AT]], numbers[_LAST_TIME_AT]
            end = _TEXT_AT * _SIZE + numbers[_LENGTH_AT]
            text = bytes(self._file.map[_TEXT_AT * _SIZE : end])
            if version % 2 == 0 and numbers[_VERSION_AT] == version:
                return Attempt(outcome, text.decode("utf-8", "replace"), ended_ns / 1e9)
            time.sleep(0.001)
