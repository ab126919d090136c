"""Serves the application with Granian, in worker processes and their threads."""

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
from service.workers.thread_parking import ThreadParking

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

    from service.settings import Settings
    from service.telemetry.counters import Meter
    from service.workers.sizing import Sizing

# A thread answers one request at a time. As many threads as there may be predictions at once receive bodies,
# wait for a slow model, or are parked (see `thread_parking`). Four more threads are always free for health
# checks and refusals.
SPARE_THREADS = 4
BLOCKING_THREADS = MOST_PREDICTIONS_AT_ONCE + SPARE_THREADS

# `docker stop` kills a container that has not stopped after 10 seconds. Half of that is for requests that are
# still being answered.
STOP_TIMEOUT_S = 5


def serve(settings: Settings, sizing: Sizing) -> None:
    """Answer requests until SIGTERM or SIGINT; raise `CannotListen` if the port cannot be listened on.

    The application must have been built before this call, so that forked workers share its memory.
    """
    check_address(settings.host, settings.port)
    multiprocessing.set_start_method(_start_method(), force=True)
    server = _make_server(settings, sizing)
    server.on_startup(partial(_log_start, settings, sizing))
    server.on_shutdown(partial(LOGGER.info, "stopped"))
    # Every object that exists now lives as long as the process. Without freezing them, the first garbage
    # collection in each worker would write to every object of the model, and so copy the shared memory.
    gc.collect()
    gc.freeze()
    _give_back_memory()
    # One region more than there are workers: at SIGHUP, the server starts each new worker before it ends the
    # old worker.
    counters = Counters(sizing.workers + 1)
    server.serve(target_loader=partial(_load_in_worker, settings, counters), wrap_loader=False)


def _give_back_memory() -> None:
    """Give memory that was used only while the model was loaded back to the system.

    glibc would keep that memory, which is about half as much as the model itself takes.
    """
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
    """Give `fork`, which shares the model between workers, or on macOS `spawn`.

    On macOS the system's own libraries do not work in a forked process.
    """
    return "fork" if sys.platform == "linux" else "spawn"


def _load_in_worker(settings: Settings, counters: Counters) -> WSGIApplication:
    # A forked worker has the signal handler of its parent, which does nothing in a worker, until the server
    # sets the worker's own handler.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    # Ctrl-C reaches the whole process group. Only the parent handles it, and then ends the workers, because
    # the server would report a worker that ends by itself as a failure.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    application = build_application(settings)
    _share_counts(application.meter, counters)
    model = application.slot.served.predictor.model
    # Where the rows of several requests go into one call, threads that wait for the model are not parked: the
    # more threads wait, the more rows go into the next call.
    joins_rows = model.program is None and model.is_batched
    if joins_rows:
        return application.wsgi
    _use_batch_scheduling()
    return ThreadParking(application.wsgi)


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


def check_address(host: str, port: int) -> None:
    """Raise `CannotListen`, with the reason and advice, if the address cannot be listened on.

    Without this check the server shows a traceback. It shows no error at all if another service of infer has
    the port: workers share a port with SO_REUSEPORT, and so two services would share it, and each would
    answer half of the requests.
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
    """Give the logging configuration of the service, with the loggers that Granian expects in it."""
    config = logging_config(log_format=settings.log_format, log_level=settings.log_level)
    loggers = {LOGGER.name: {"level": settings.log_level.upper()}, "_granian": {}}
    return {**config, "loggers": loggers}


def _server_log_level(log_level: str) -> LogLevels:
    """Let Granian log errors only: its warnings advise on the number of threads, which is chosen here."""
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
