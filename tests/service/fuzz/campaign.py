"""Sends the request of each number through both applications, and judges the answers."""

from __future__ import annotations

import json
import logging
import traceback
import warnings
from collections import Counter
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, NamedTuple

from service.logs import LOGGER, JsonFormatter
from tests.service.fuzz.asking import ask
from tests.service.fuzz.judge import difference_of, fault_of
from tests.service.fuzz.models import MODELS, serve
from tests.service.fuzz.mutations import mutated
from tests.service.fuzz.readers import Readers
from tests.service.fuzz.requests import PREDICT_PATHS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.service.fuzz.models import Served
    from tests.service.fuzz.requests import Request

FAILED = "failed"


class Outcome(NamedTuple):
    """What became of a request: `kind` is the path with the status, or `FAILED` with a reason."""

    kind: str
    reason: str = ""
    request: str = ""


@dataclass(frozen=True)
class Case:
    """A request, as a number makes it: which model and request, and a seed for each change."""

    model: str
    request: int
    seeds: tuple[int, ...]

    @classmethod
    def of(cls, number: int, names: Sequence[str]) -> Case:
        """Give the case of a number, always the same."""
        random = Random(number)
        seeds = tuple(random.randrange(2**32) for _ in range(random.choice((0, 1, 1, 1, 1, 2, 2, 3, 5))))
        return cls(random.choice(names), random.randrange(2**32), seeds)


class _Log(logging.Handler):
    """Writes the log nowhere; each event must be one line of JSON. What is raised here fails the request."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(JsonFormatter())

    def emit(self, record: logging.LogRecord) -> None:
        line = self.format(record)
        json.loads(line)
        if "\n" in line:
            raise ValueError(f"several lines in the log: {line[:300]}")


class Campaign:
    """Trains the models once, and then tries one number after the other."""

    def __init__(self, names: Sequence[str] = tuple(MODELS)) -> None:
        LOGGER.handlers, LOGGER.propagate = [_Log()], False
        LOGGER.setLevel(logging.INFO)
        # A service would write it to its log; here it is a failure.
        warnings.simplefilter("error")
        self._names = names
        self._served = {name: serve(name) for name in names}
        self.read: Counter[str] = Counter()
        self._readers = {
            name: Readers(served.features, self.read)
            for name, served in self._served.items()
            if served.takes_numbers
        }

    def run(self, number: int) -> Outcome:
        """Try the request of a number; of one that fails with several changes, the fewest are told."""
        case = Case.of(number, self._names)
        outcome = self._try(case)
        if outcome.kind == FAILED and len(case.seeds) > 1:
            alone = (self._try(Case(case.model, case.request, (seed,))) for seed in case.seeds)
            return next((one for one in alone if one.kind == FAILED), outcome)
        return outcome

    def request_of(self, case: Case) -> Request:
        """Make the request of a case."""
        requests, random = self._served[case.model].requests, Random(case.request)
        # Some paths have many more forms of requests than others.
        path = random.choice(PREDICT_PATHS)
        request = random.choice([one for one in requests if one.path == path])
        for seed in case.seeds:
            request = mutated(request, requests, Random(seed))
        return request

    def _try(self, case: Case) -> Outcome:
        served, request = self._served[case.model], self.request_of(case)
        try:
            return self._judged(served, request)
        except Exception:  # noqa: BLE001 (an exception that leaves the application is a finding)
            return Outcome(FAILED, traceback.format_exc(), f"{served.name}: {request}")

    def _judged(self, served: Served, request: Request) -> Outcome:
        in_c, in_python = ask(served.in_c, request), ask(served.in_python, request)
        readers = self._readers.get(served.name)
        reason = (
            fault_of(request, in_c)
            or fault_of(request, in_python)
            or difference_of(request, in_c, in_python)
            or (readers.fault_of(request) if readers else None)
        )
        if reason:
            return Outcome(FAILED, reason, f"{served.name}: {request}")
        return Outcome(f"{request.path} {in_c.status}")
