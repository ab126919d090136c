"""Watches services: all are asked at once, and one that is slow holds up no other."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING

from infer_cli import tokens
from infer_cli.client.metrics import NoMetricsError, scrape
from infer_cli.engine.services import list_services
from infer_cli.engine.usage import stream_usage
from infer_cli.monitoring.figures import Sample, figures_between
from infer_cli.monitoring.questions import Question
from infer_cli.monitoring.readings import Readings
from infer_cli.running.readiness import known_certificate, service_url
from infer_cli.running.status import service_health

if TYPE_CHECKING:
    from datetime import timedelta

    from infer_cli.engine.connection import Engine
    from infer_cli.engine.services import Service
    from infer_cli.monitoring.figures import Figures

_FIRST = "measuring"
# A service that is late is asked for so long; its answer then counts in the interval in which it comes.
_LONGEST_ANSWER_S = 10.0
# Why a container in one of the engine's states has no figures; of one that ended, its end tells why.
_REASONS = {
    "created": "it was not started",
    "paused": "its processes are paused",
    "restarting": "the engine is starting it again",
    "removing": "the engine is removing it",
}
REMOVED = "removed"


@dataclass(frozen=True)
class View:
    """A service in an interval. `figures` is None where there are none, and `reason` says why.

    `cpu_share` is 1 for a whole processor. What is not known is None.
    """

    name: str
    health: str
    reason: str | None = None
    figures: Figures | None = None
    cpu_share: float | None = None
    memory_bytes: float | None = None
    age: timedelta | None = None
    model: str | None = None
    url: str | None = None
    container_id: str | None = None


class Watch:
    """Looks at all services, or at the one called `name`, again and again."""

    def __init__(self, engine: Engine, name: str | None = None, *, timeout_s: float) -> None:
        self._engine = engine
        self._name = name
        self._timeout_s = timeout_s
        self._listing = Question(lambda: list_services(engine))
        self._services: tuple[Service, ...] | None = None
        self._watched: dict[str, _Watched] = {}
        # Whether the engine did not answer in time; then the services are those that it listed before.
        self.is_engine_late = False

    def look(self) -> tuple[View, ...]:
        """The services since the last look, sorted by name; the first look has no figures yet.

        Raises `EngineError` if the engine refuses to list the services. Takes no longer than the timeout,
        except for the first list.
        """
        deadline_s = time.monotonic() + self._timeout_s
        self._listing.begin()
        for watched in self._watched.values():
            watched.begin()
        services = self._list(deadline_s)
        self._watched = {
            one.container_id: self._watched.get(one.container_id)
            or _Watched(self._engine, one, self._timeout_s)
            for one in services
        }
        for service in services:
            self._watched[service.container_id].see(service)
        views = [self._watched[service.container_id].view(deadline_s) for service in services]
        if self._name is not None and not views:
            views = [View(self._name, REMOVED, "its container was removed")]
        return tuple(views)

    def _list(self, deadline_s: float) -> tuple[Service, ...]:
        self.is_engine_late = False
        try:
            found = self._listing.take(None if self._services is None else deadline_s)
            self._services = tuple(one for one in found if self._name in (None, one.name))
        except TimeoutError:
            self.is_engine_late = True
        return self._services or ()


class _Watched:
    """A container: what was seen of it last, and the questions to it and to the engine."""

    def __init__(self, engine: Engine, service: Service, timeout_s: float) -> None:
        self._engine = engine
        self._service = service
        self._timeout_s = timeout_s
        self._url: str | None = None
        self._sample: Sample | None = None
        self._metrics: Question[tuple[Sample, str]] | None = None
        # Whether it took longer than the timeout the last time. Then it is not waited for.
        self._is_late = False
        self._usage = Readings(lambda: stream_usage(engine, service))

    def see(self, service: Service) -> None:
        """Take what the engine says of the container now, and ask it."""
        self._service = service
        if not service.is_running:
            self._sample = None
        elif url := service_url(self._engine, service):
            if url != self._url:
                self._url, self._metrics = url, Question(partial(self._scrape, url))
        else:
            self._url, self._metrics = None, None
        self.begin()

    def begin(self) -> None:
        """Ask what can be asked."""
        if self._service.is_running:
            self._usage.begin()
            if self._metrics is not None:
                self._metrics.begin()

    def view(self, deadline_s: float) -> View:
        """What is known at the deadline, at the latest."""
        service = self._service
        if not service.is_running:
            return _idle(service)
        health, before = service.health or "unknown", self._sample
        now: Sample | None = None
        reason: str | None = None
        if self._metrics is None:
            reason = "not published to this machine"
        else:
            try:
                now, health = self._metrics.take(0.0 if self._is_late else deadline_s)
                self._sample, self._is_late = now, now.took_s > self._timeout_s
                if self._is_late:
                    # Its next answer is to be here at the next look.
                    self._metrics.begin()
            except TimeoutError:
                self._is_late = True
                reason = f"no answer within {self._timeout_s:g} s"
            except NoMetricsError as error:
                reason = "it is starting" if health == "starting" else str(error)
        figures = figures_between(before, now) if before and now else None
        cpu_share, memory_bytes = self._use(before if figures else None, now)
        return View(
            service.name,
            health,
            reason or (None if figures else _FIRST),
            figures,
            cpu_share,
            memory_bytes,
            datetime.now(UTC) - service.started_at if service.started_at else None,
            service.model or (now.metrics.model if now else None),
            self._url,
            service.container_id,
        )

    def _use(self, before: Sample | None, now: Sample | None) -> tuple[float | None, float | None]:
        """The share of a processor and the memory: as the engine says, or else as the service does itself."""
        cpu_share, memory_bytes = self._usage.take()
        if now is None:
            return cpu_share, memory_bytes
        own = now.metrics
        if cpu_share is None and before and own.cpu_s is not None and before.metrics.cpu_s is not None:
            cpu_share = (own.cpu_s - before.metrics.cpu_s) / (now.at_s - before.at_s)
        return cpu_share, own.memory_bytes if memory_bytes is None else memory_bytes

    def _scrape(self, url: str) -> tuple[Sample, str]:
        begun_s = time.monotonic()
        token, known = tokens.token_of(self._service.access), known_certificate(self._service)
        metrics = scrape(url, timeout_s=_LONGEST_ANSWER_S, token=token, known=known)
        at_s = time.monotonic()
        return Sample(metrics, at_s, at_s - begun_s), service_health(self._service, url)


def _idle(service: Service) -> View:
    """A service whose container does not run."""
    reason = _REASONS.get(service.state, service.end_reason)
    return View(service.name, service.state, reason, model=service.model, container_id=service.container_id)
