"""Serves the application with Granian, in worker processes and their threads."""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import sys
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from multiprocessing.util import Finalize
from typing import TYPE_CHECKING, Callable

from granian.constants import HTTPModes, Interfaces
from granian.log import LogLevels

from service.admission import (
    MOST_BODIES_AT_ONCE,
    MOST_PREDICTIONS_AT_ONCE,
    MOST_WAITING,
    give_back_memory,
)
from service.application import build_application, with_spans
from service.confinement.confine import confine_worker
from service.errors import NoRegion
from service.logs import LOGGER, logging_config
from service.telemetry.counters import Counters
from service.telemetry.vitals import Vitals
from service.tracing import can_trace, open_spans
from service.workers.guard import guard_connections
from service.workers.handover import Handover
from service.workers.heartbeat import Duties, start_heartbeat
from service.workers.open_files import most_connections, raise_limit
from service.workers.supervisor import Supervisor
from service.workers.thread_parking import ThreadParking
from service.workers.watchdog import BUSY_FACTOR

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterable

    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    from service.application import Application
    from service.confinement.confine import Confinement
    from service.drift.shared_counts import Regions
    from service.settings import Settings
    from service.telemetry.counters import Meter
    from service.workers.certificate import Certificate
    from service.workers.generations import Place
    from service.workers.sizing import Sizing

# A thread answers one request at a time. As many threads as there are places predict, receive bodies or wait
# for a place, or are parked (see `thread_parking`). Eight more threads are always free for health checks and
# refusals. A container may have 2,048 threads, which is enough for 8 workers.
SPARE_THREADS = 8
BLOCKING_THREADS = MOST_PREDICTIONS_AT_ONCE + MOST_BODIES_AT_ONCE + 2 * MOST_WAITING + SPARE_THREADS

# `docker stop` kills a container that has not stopped after 10 seconds. Half of that is for requests that are
# still being answered.
STOP_TIMEOUT_S = 5


def serve(
    settings: Settings,
    sizing: Sizing,
    confinement: Confinement,
    listeners: list[socket.socket],
    place: Place,
    certificate: Certificate | None = None,
) -> None:
    """Answer requests until SIGTERM or SIGINT, on sockets that `bind_listeners` gave.

    With a certificate, the service speaks TLS, and without one plain HTTP.

    The application must have been built before this call, so that forked workers share its memory. `place` is
    that of this process among those that serve one model after another.
    """
    multiprocessing.set_start_method(_start_method(), force=True)
    raise_limit()
    traces = settings.traces and can_trace(egress=settings.egress)
    application = build_application(settings)
    counters, vitals = Counters(place.record, application.meter.routes), Vitals(sizing.workers)
    if not place.record.processes:
        place.record.processes = [os.getpid()]
    regions = [counts.regions(sizing.workers) for counts in application.slot.served.predictor.shared_counts]
    shared = _Shared(counters, vitals, regions, place.spare)
    server = Supervisor(
        listeners=listeners,
        certificate=certificate,
        place=place,
        vitals=vitals,
        count_answers=counters.count_answers,
        settings=settings,
        load=partial(_load_in_worker, settings, shared, traces=traces),
        address=settings.host,
        port=settings.port,
        interface=Interfaces.WSGI,
        http=HTTPModes.http1,
        websockets=False,
        workers=sizing.workers,
        blocking_threads=BLOCKING_THREADS,
        # The guard ends connections when there are half as many.
        backpressure=2 * most_connections(),
        workers_kill_timeout=STOP_TIMEOUT_S,
        log_level=_server_log_level(settings.log_level),
        log_dictconfig=_server_logging(settings),
    )
    server.on_startup(partial(_log_start, settings, sizing, confinement))
    server.on_shutdown(partial(LOGGER.info, "stopped"))
    # Every object that exists now lives as long as the process. Without freezing them, the first garbage
    # collection in each worker would write to every object of the model, and so copy the shared memory.
    gc.collect()
    gc.freeze()
    # Loading the model took about half as much again as the model itself takes.
    give_back_memory()
    server.run()


def _start_method() -> str:
    """Give `fork`, which shares the model between workers, or on macOS `spawn`.

    On macOS the system's own libraries do not work in a forked process.
    """
    return "fork" if sys.platform == "linux" else "spawn"


@dataclass(frozen=True)
class _Shared:
    """What the workers of a generation have in common."""

    counters: Counters
    vitals: Vitals
    # Those of each kind of count that depends on the model.
    regions: list[Regions]
    # A socket that listens where nobody connects; see `handover`.
    spare: socket.socket | None


def _load_in_worker(
    settings: Settings,
    shared: _Shared,
    index: int,
    *,
    traces: bool,
) -> WSGIApplication:
    # A forked worker has the signal handler of its parent, which does nothing in a worker, until the server
    # sets the worker's own handler.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    # Ctrl-C reaches the whole process group. Only the parent handles it, and then ends the workers, because
    # the server would report a worker that ends by itself as a failure.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    confine_worker(settings)
    application = build_application(settings)
    _share_counts(application.meter, shared.counters)
    for counts, region in zip(application.slot.served.predictor.shared_counts, shared.regions):
        # If there is no region, there was none for the counts of requests, either, and the log says so.
        with suppress(NoRegion):
            counts.join(region)
    if traces:
        application = _traced(application)
    model = application.slot.served.predictor.model
    # Where the rows of several requests go into one call, threads that wait for the model are not parked: the
    # more threads wait, the more rows go into the next call.
    joins_rows = model.program is None and model.is_batched
    if not joins_rows:
        _use_batch_scheduling()
    guard_connections(settings.port, application.admission, most_connections())
    door = Door(application.wsgi) if joins_rows else ThreadParking(application.wsgi)
    calls = application.slot.served.predictor.calls
    duties = Duties(
        at_end=lambda: setattr(door, "application", application.draining),
        at_replacement=partial(_hand_over, settings.port, shared.spare, door, application),
        stuck=partial(calls.stuck, BUSY_FACTOR * settings.watchdog_seconds),
    )
    start_heartbeat(shared.vitals, index, duties)
    return door


def _hand_over(
    port: int, spare: socket.socket | None, door: Door | ThreadParking, application: Application
) -> Callable[[], int]:
    """Take no more connections, and answer each that there is once more; give what counts them."""
    if spare is None:
        return lambda: 0
    handover = Handover(port, spare)
    handover.take_no_more()
    door.application = application.closing
    return handover.count_open


class Door:
    """A WSGI application that passes requests on to another one, which can be exchanged while it serves."""

    def __init__(self, application: WSGIApplication) -> None:
        self.application = application

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer as the application does."""
        return self.application(environ, start_response)


def _traced(application: Application) -> Application:
    """Give the application with a span for each request; the thread that sends them is this process's own."""
    opened = open_spans(application.slot.served.names.names[0], os.environ)
    if opened is None:
        return application
    spans, close = opened
    # What `atexit` knows is not called in a process that multiprocessing started.
    Finalize(None, close, exitpriority=1)
    return with_spans(application, spans)


def _use_batch_scheduling() -> None:
    """Let a thread that wakes up wait until the running thread has finished, or has used its time slice.

    For each request the server's own thread and the thread that predicts wake each other. By default the
    woken thread takes the CPU from the other thread at once, and a request costs a quarter more CPU time.
    `SCHED_BATCH` turns that off, see sched(7). All threads that this process starts inherit it.

    It is not used for a model that several threads wait for together: the sooner all of them have come, the
    more rows go into one call.
    """
    with suppress(AttributeError, OSError):  # Not Linux, or a sandbox that forbids the call.
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))


def _share_counts(meter: Meter, counters: Counters) -> None:
    try:
        meter.join(counters)
    except NoRegion:
        LOGGER.warning(
            "worker %s cannot share its counts: /metrics lacks its requests. Restart the service.",
            os.getpid(),
        )


def _server_logging(settings: Settings) -> dict[str, object]:
    """Give the logging configuration of the service, with the loggers that Granian expects in it."""
    config = logging_config(log_format=settings.log_format, log_level=settings.log_level)
    loggers = {LOGGER.name: {"level": settings.log_level.upper()}, "_granian": {}}
    return {**config, "loggers": loggers}


def _server_log_level(log_level: str) -> LogLevels:
    """Let Granian log errors only: its warnings advise on the number of threads, which is chosen here."""
    return LogLevels(log_level) if log_level in ("debug", "critical") else LogLevels.error


def _log_start(settings: Settings, sizing: Sizing, confinement: Confinement) -> None:
    model = build_application(settings).slot.served.predictor.model
    LOGGER.info(
        "serving %s (%s, %s) on %s:%s with %s of %s",
        settings.model_file.name,
        model.kind,
        _count(len(model.features), "feature"),
        settings.host,
        settings.port,
        _count(sizing.workers, "worker"),
        _count(sizing.threads, "thread"),
    )
    LOGGER.info("%s", confinement)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
