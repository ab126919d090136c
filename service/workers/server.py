"""Serves the application with Granian, in worker processes."""

from __future__ import annotations

import ctypes
import errno
import gc
import multiprocessing
import os
import signal
import socket
import sys
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

from granian.constants import HTTPModes, Interfaces
from granian.log import LogLevels
from granian.server import MPServer

from service.admission import MOST_PREDICTIONS_AT_ONCE
from service.application import build_application
from service.errors import CannotListen, NoRegion
from service.logs import LOGGER, logging_config
from service.telemetry.counters import Counters
from service.workers.thread_parking import Turns

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

    from service.settings import Settings
    from service.telemetry.counters import Meter
    from service.workers.sizing import Sizing

# A thread answers one request at a time. These few are always free of predictions, for health checks and
# refusals; the others wait for slow clients, for their turn with a slow model, or as `turns` has it.
SPARE_THREADS = 4
BLOCKING_THREADS = MOST_PREDICTIONS_AT_ONCE + SPARE_THREADS

# `docker stop` waits ten seconds in all before it kills.
STOP_TIMEOUT_S = 5


def serve(settings: Settings, sizing: Sizing) -> None:
    """Answer requests until SIGTERM or SIGINT; raise `CannotListen` if the port cannot be had.

    The application must have been built already: forked workers then share its memory.
    """
    check_address(settings.host, settings.port)
    multiprocessing.set_start_method(_start_method(), force=True)
    server = _make_server(settings, sizing)
    server.on_startup(partial(_log_start, settings, sizing))
    server.on_shutdown(partial(LOGGER.info, "stopped"))
    # What exists now lives as long as the process. Unfrozen, the first garbage collection in each worker
    # would write to every object of the model, and so copy the memory that the workers share.
    gc.collect()
    gc.freeze()
    _give_back_memory()
    # One more than there are workers: at SIGHUP, the server starts each new one before it ends the old one.
    counters = Counters(sizing.workers + 1)
    server.serve(target_loader=partial(_load_in_worker, settings, counters), wrap_loader=False)


def _give_back_memory() -> None:
    """Let the system have what loading the model took for a while; glibc keeps it, half as much again."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


def _make_server(settings: Settings, sizing: Sizing) -> MPServer:
    return MPServer(
        "service",
        address=settings.host,
        port=settings.port,
        interface=Interfaces.WSGI,
        http=HTTPModes.http1,
        websockets=False,
        workers=sizing.workers,
        blocking_threads=BLOCKING_THREADS,
        respawn_failed_workers=True,
        workers_kill_timeout=STOP_TIMEOUT_S,
        log_level=_server_log_level(settings.log_level),
        log_dictconfig=_server_logging(settings),
    )


def _start_method() -> str:
    """Fork shares the model between workers. On macOS the system's libraries do not survive a fork."""
    return "fork" if sys.platform == "linux" else "spawn"


def _load_in_worker(settings: Settings, counters: Counters) -> WSGIApplication:
    # Until the server sets its own, a forked worker has its parent's handler, which would do nothing here.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    # Ctrl-C reaches the whole process group. The parent alone answers it, and then ends the workers;
    # a worker that ended by itself would be reported as a failure.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    application = build_application(settings)
    _share_counts(application.meter, counters)
    model = application.slot.served.predictor.model
    # Threads that wait for a slow model are of use where the rows of several requests go into one call.
    joins_rows = model.program is None and model.is_batched
    if joins_rows:
        return application.wsgi
    _let_threads_finish()
    return Turns(application.wsgi)


def _let_threads_finish() -> None:
    """Let a thread that wakes up wait until another one has done its part, or its time is over.

    The server's own thread and the one that predicts wake each other for every request. If each then pushed
    the other from the processor at once, as it is usual, a request would cost a quarter more: sched(7), where
    it says what `SCHED_BATCH` is for. All threads that this process starts have it from this one.

    Threads that wait for a slow model together are better pushed: the sooner all have come, the more rows
    go to it at once.
    """
    with suppress(AttributeError, OSError):  # Another system, or a sandbox that forbids it.
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))


def _share_counts(meter: Meter, counters: Counters) -> None:
    try:
        meter.join(counters)
    except NoRegion:
        LOGGER.warning(
            "worker %s cannot share its counts: /metrics lacks its requests. Restart the service.",
            os.getpid(),
        )


def check_address(host: str, port: int) -> None:
    """Raise `CannotListen` with the reason, for which the server would show a traceback.

    It would show none at all where another service of ours has the port: its workers share a port with
    SO_REUSEPORT, and so would two services, each answering half of the requests.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        raise CannotListen(_explain_address(host, port, error)) from error


def _explain_address(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} is in use. Stop what uses it, or set PORT to another."
    if error.errno == errno.EACCES:
        return f"user id {os.geteuid()} may not listen on port {port}. Set PORT to one above 1023."
    return f"cannot listen on {host}: {error.strerror}. Set HOST to an address of this machine."


def _server_logging(settings: Settings) -> dict[str, object]:
    """Our settings, with the loggers that the server expects to find in them."""
    config = logging_config(log_format=settings.log_format, log_level=settings.log_level)
    loggers = {LOGGER.name: {"level": settings.log_level.upper()}, "_granian": {}}
    return {**config, "loggers": loggers}


def _server_log_level(log_level: str) -> LogLevels:
    """Keep what the server says to its errors: it also advises on the number of threads, which is chosen."""
    return LogLevels(log_level) if log_level in ("debug", "critical") else LogLevels.error


def _log_start(settings: Settings, sizing: Sizing) -> None:
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


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
