"""Until when a request is to be answered: what its caller says, or the settings of the service.

A caller that has given up does not read the answer, so that a prediction for it only holds up others. A
request that is past its deadline before the model is asked is refused. Whoever asks for a deadline is told by
`DeadlineExceeded`, and a call to the model that has begun goes on: no thread of Python can be interrupted.
"""

from __future__ import annotations

import re
import threading
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from time import perf_counter_ns
from typing import TYPE_CHECKING, NamedTuple

from service.errors import DeadlineExceeded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from service.prediction.exchange import Answer, Asked

# What Envoy, and Istio with it, tells the service behind it: see its page "Router".
_ENVOY = "HTTP_X_ENVOY_EXPECTED_RQ_TIMEOUT_MS"
_MILLISECONDS = re.compile(r"[0-9]{1,15}")
# What gRPC's clients send, and its gateways pass on: see its page "gRPC over HTTP2".
_GRPC = "HTTP_GRPC_TIMEOUT"
_GRPC_TIMEOUT = re.compile(r"([0-9]{1,8})([HMSmun])")
_LONGEST = 16
_NS = {"H": 3600 * 10**9, "M": 60 * 10**9, "S": 10**9, "m": 10**6, "u": 10**3, "n": 1}


class Deadline(NamedTuple):
    """When a request is given up, by `perf_counter_ns`; `source` names what says so."""

    end_ns: int
    allowed_ns: int
    source: str

    @classmethod
    def after(cls, allowed_ns: int, started_ns: int, source: str) -> Deadline:
        """Give the deadline of a request that came at this time."""
        return cls(started_ns + allowed_ns, allowed_ns, source)

    def is_past(self) -> bool:
        """Tell whether it is too late."""
        return perf_counter_ns() >= self.end_ns

    def during(self, call: Callable[[Asked], Answer], asked: Asked) -> Answer:
        """Answer a request while this deadline holds in this thread, in which none holds yet."""
        token = _current.set(self)
        try:
            return call(asked)
        finally:
            _current.reset(token)

    def error(self) -> DeadlineExceeded:
        """Give the error for a request that is past it."""
        return DeadlineExceeded(self.allowed_ns / 1e6, self.source)


# The deadline of the request that this thread answers.
_current: ContextVar[Deadline | None] = ContextVar("deadline", default=None)


class Deadlines:
    """Gives each request its deadline. `seconds` is how long the service takes for any request."""

    def __init__(self, seconds: float | None = None) -> None:
        self._own_ns = None if seconds is None else round(seconds * 1e9)

    def of(self, environ: Mapping[str, object], started_ns: int) -> Deadline | None:
        """Give the earliest deadline of a request that came at this time; None if it has none."""
        if self._own_ns is None and _ENVOY not in environ and _GRPC not in environ:
            return None
        # What is longer has no meaning, and must not be kept.
        told = [str(environ.get(name, ""))[:_LONGEST] for name in (_ENVOY, _GRPC)]
        shortest = _shortest(self._own_ns, *told)
        return None if shortest is None else Deadline.after(shortest[0], started_ns, shortest[1])


# A proxy says the same for each request, and reading it takes as long as a third of a small prediction.
@lru_cache(maxsize=256)
def _shortest(own_ns: int | None, envoy: str, grpc: str) -> tuple[int, str] | None:
    """Give the shortest time that is allowed, in ns, with what says so."""
    found = []
    if own_ns is not None:
        found.append((own_ns, "the setting REQUEST_SECONDS"))
    # Envoy says 0 where there is no deadline. What is no number of the right form says nothing.
    if _MILLISECONDS.fullmatch(envoy) and int(envoy):
        found.append((int(envoy) * _NS["m"], "the header x-envoy-expected-rq-timeout-ms"))
    if match := _GRPC_TIMEOUT.fullmatch(grpc):
        found.append((int(match[1]) * _NS[match[2]], "the header grpc-timeout"))
    return min(found, default=None)


@contextmanager
def kept(deadline: Deadline | None) -> Iterator[None]:
    """Let a deadline hold in this thread in the block, unless an earlier one does."""
    before = _current.get()
    if deadline is None or (before is not None and before <= deadline):
        yield
        return
    token = _current.set(deadline)
    try:
        yield
    finally:
        _current.reset(token)


def check() -> None:
    """Raise `DeadlineExceeded` if the request that this thread answers is past its deadline."""
    deadline = _current.get()
    if deadline is not None and deadline.is_past():
        raise deadline.error()


def acquired(lock: threading.Lock) -> DeadlineExceeded | None:
    """Acquire a lock; if the deadline of this thread's request comes first, give the error for it instead."""
    deadline = _current.get()
    if deadline is None:
        lock.acquire()
        return None
    left_s = max(0, deadline.end_ns - perf_counter_ns()) / 1e9
    return None if lock.acquire(timeout=min(left_s, threading.TIMEOUT_MAX)) else deadline.error()
