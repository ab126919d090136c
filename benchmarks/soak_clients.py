"""The clients of a soak: they send requests of all kinds at a steady rate, and check each answer."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from benchmarks.load import Request
from benchmarks.protocols import FORMATS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from benchmarks.columns import Case

_TIMEOUT_S = 60
# A connection is closed after so many requests, more or less, as clients come and go.
_REQUESTS_OF_CONNECTION = 500
# Faults that are told in words.
_MOST_TOLD = 10
# What monitoring and people ask, which must be answered.
_PATHS = ("/", "/livez", "/readyz", "/metrics", "/model", "/openapi.json", "/v2/models/model", "/ping")
_REFUSED = (
    Request.of_json("/prediction", {"rows": [{"x0": "a"}, {}]}),
    Request("POST", "/prediction", b'{"rows": [{'),
    Request.of_json("/v1/models/model:predict", {"instances": [[1.0]]}),
    Request.of_json("/v2/models/model/infer", {"inputs": []}),
    Request("POST", "/invocations", b"1,2\n3\n", "text/csv"),
)


@dataclass(frozen=True)
class Kind:
    """A request, and what tells whether its answer is right: of the status and the body."""

    name: str
    request: Request
    is_right: Callable[[int, bytes], bool]


def kinds_of(cases: Sequence[Case]) -> list[Kind]:
    """Give each case in each wire format, what must be refused, and what else is asked."""
    found = [
        Kind(f"{name}, {len(case.rows)} rows", ask(case), _has_labels(labels, case))
        for case in cases
        for name, (ask, labels) in FORMATS.items()
    ]
    found += [
        Kind("refused", request, lambda status, _: status == http.client.BAD_REQUEST) for request in _REFUSED
    ]
    found += [
        Kind("asked for", Request("GET", path), lambda status, _: status == http.client.OK) for path in _PATHS
    ]
    return found


def _has_labels(labels: Callable[[object], Sequence[float]], case: Case) -> Callable[[int, bytes], bool]:
    def is_right(status: int, body: bytes) -> bool:
        return status == http.client.OK and tuple(labels(json.loads(body))) == case.labels

    return is_right


class Clients:
    """Threads with a connection each. `sent` counts the requests by kind, and `told` has the first faults."""

    def __init__(self, url: str, cases: Sequence[Case], *, number: int, rate: float) -> None:
        parts = urlsplit(url)
        self._address = parts.hostname or "localhost", parts.port or 80
        kinds = kinds_of(cases)
        # Each name is as frequent, however many requests have it.
        self._kinds = {
            name: [kind for kind in kinds if kind.name == name] for name in {one.name for one in kinds}
        }
        self._number = number
        self._pause_s = number / rate
        self._lock = threading.Lock()
        self._is_over = threading.Event()
        self._latencies: list[float] = []
        self._faults = 0
        self.sent: Counter[str] = Counter()
        self.told: list[str] = []

    @contextmanager
    def running(self) -> Iterator[None]:
        """Send requests until the end of the block, and wait for the last answers."""
        threads = [threading.Thread(target=self._send, args=(Random(at),)) for at in range(self._number)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._is_over.set()
            for thread in threads:
                thread.join()

    def take(self) -> tuple[list[float], int]:
        """Give the latencies since the last call, in seconds, and how many requests failed."""
        with self._lock:
            taken = self._latencies, self._faults
            self._latencies, self._faults = [], 0
        return taken

    def _send(self, random: Random) -> None:
        connection = http.client.HTTPConnection(*self._address, timeout=_TIMEOUT_S)
        names = sorted(self._kinds)
        due = time.monotonic()
        while not self._is_over.is_set():
            kind = random.choice(self._kinds[random.choice(names)])
            start = time.perf_counter()
            fault = self._fault(connection, kind)
            self._note(kind, time.perf_counter() - start, fault)
            if fault is not None or not random.randrange(_REQUESTS_OF_CONNECTION):
                connection.close()
            due = max(due + self._pause_s, time.monotonic() - self._pause_s)
            self._is_over.wait(max(0.0, due - time.monotonic()))
        connection.close()

    @staticmethod
    def _fault(connection: http.client.HTTPConnection, kind: Kind) -> str | None:
        """Send a request; say what is wrong with its answer, or None."""
        request = kind.request
        try:
            connection.request(request.method, request.path, request.body or None, request.all_headers)
            response = connection.getresponse()
            body = response.read()
            if kind.is_right(response.status, body):
                return None
        except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError, IndexError) as error:
            return f"{kind.name} {request.path}: {type(error).__name__}: {error}"
        return f"{kind.name} {request.path}: {response.status} {body[:200]!r}"

    def _note(self, kind: Kind, seconds: float, fault: str | None) -> None:
        with self._lock:
            self.sent[kind.name] += 1
            self._latencies.append(seconds)
            if fault is not None:
                self._faults += 1
                if len(self.told) < _MOST_TOLD:
                    self.told.append(fault)
