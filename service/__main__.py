"""Starts the service: `MODEL_FILE=model.joblib python3 -m service`."""

from __future__ import annotations

import os
import signal
import sys
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from service import stages
from service.confinement.confine import confine, is_open
from service.errors import CannotListen, ModelUnloadable, WrongSettings
from service.logs import LOGGER, configure_logs
from service.platforms import with_platform
from service.settings import Settings
from service.telemetry.service_record import ServiceRecord
from service.workers.certificate import Certificate
from service.workers.cgroups import memory_limit
from service.workers.generations import run_generations
from service.workers.listeners import bind_listeners
from service.workers.sizing import choose_sizing, count_cpus, thread_variables

if TYPE_CHECKING:
    import socket
    from types import FrameType

    from service.workers.generations import Place
    from service.workers.sizing import Sizing


OPEN = (
    "the kernel takes no filter that keeps the service from making connections. Use an image for the "
    "processor of this machine, or start the service with --egress (EGRESS=1) if it may make them"
)


def main() -> int:
    """Serve until SIGTERM or SIGINT; give the exit code. Each error is one line on standard error."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _stop)
    try:
        settings = Settings.from_environment(with_platform(os.environ, sys.argv[1:]))
        # Before anything else, so that what is wrong is told at once.
        Certificate.of(settings)
    except WrongSettings as error:
        return _fail(*error.problems)
    configure_logs(log_format=settings.log_format, log_level=settings.log_level)
    sizing = choose_sizing(count_cpus(), workers=settings.workers, threads=settings.threads)
    settings = replace(settings, workers=sizing.workers, memory_bytes=memory_limit())
    if sizing.is_crowded:
        wanted = f"{sizing.workers} workers x {sizing.threads} threads"
        LOGGER.warning("%s were asked for, and there are %s CPUs", wanted, sizing.cpus)
    try:
        listeners = bind_listeners(settings.host, settings.port, sizing.workers)
        # An old generation and a new one count at the same time.
        record = ServiceRecord(2 * sizing.workers)
        return run_generations(partial(_serve, sizing, listeners), settings, listeners, record)
    except CannotListen as error:
        return _fail(str(error))
    except ModelUnloadable as error:
        _fail(str(error))
        # What was made of a refused file is not taken apart: that would crash for a million nested parts.
        sys.stderr.flush()
        os._exit(1)


def _serve(sizing: Sizing, listeners: list[socket.socket], settings: Settings, place: Place) -> int:
    try:
        # Read by each generation, and before the service may read no other files.
        certificate = Certificate.of(settings)
    except WrongSettings as error:
        return _fail(*error.problems)
    for name, value in thread_variables(sizing.threads).items():
        os.environ.setdefault(name, value)
    # ONNX Runtime would keep a number of this machine in the home, and send what it measures with it.
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    # Before the imports, because numpy starts threads. A service that is not told to have only its own files
    # is in a container, which says what it may do with files.
    confinement = confine(settings, os.environ)
    if sys.platform == "linux" and settings.files == "any" and not settings.egress and is_open():
        return _fail(OPEN)
    # Imported only here: both modules import numpy, which reads the variables while it is imported.
    from service.application import build_application  # noqa: PLC0415
    from service.workers.server import serve  # noqa: PLC0415

    try:
        application = build_application(settings)
    except WrongSettings as error:
        return _fail(*error.problems)
    facts = {**application.facts, "certificate": certificate and certificate.digest}
    if stages.loaded(facts):
        stages.done()
        serve(settings, sizing, confinement, listeners, place, certificate)
    return 0


def _stop(number: int, _: FrameType | None) -> None:
    """Stop while the model is still loading.

    Process 1 of a container ignores SIGTERM unless it has a handler: without this handler, only SIGKILL would
    stop it. A second signal changes nothing: Ctrl-C reaches this process from the terminal, and from the
    process that watches it.
    """
    for ignored in (signal.SIGTERM, signal.SIGINT):
        signal.signal(ignored, signal.SIG_IGN)
    raise SystemExit(128 + number)


def _fail(*problems: str) -> int:
    if stages.refuse(problems):
        return 1
    for problem in problems:
        print(f"error: {problem}", file=sys.stderr)  # noqa: T201 (the person who started the service reads it)
    return 1


if __name__ == "__main__":
    sys.exit(main())
