"""Starts the service: `MODEL_FILE=model.joblib python3 -m service`."""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING

from service.errors import CannotListen, ModelUnloadable, WrongSettings
from service.logs import LOGGER, configure_logs
from service.settings import Settings
from service.workers.sizing import choose_sizing, count_cpus, thread_variables

if TYPE_CHECKING:
    from types import FrameType

    from service.workers.sizing import Sizing


def main() -> int:
    """Serve until SIGTERM or SIGINT; give the exit code. Each error is one line on standard error."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _stop)
    try:
        settings = Settings.from_environment(os.environ)
    except WrongSettings as error:
        return _fail(*error.problems)
    configure_logs(log_format=settings.log_format, log_level=settings.log_level)
    sizing = choose_sizing(count_cpus(), workers=settings.workers, threads=settings.threads)
    if sizing.is_crowded:
        wanted = f"{sizing.workers} workers x {sizing.threads} threads"
        LOGGER.warning("%s were asked for, and there are %s CPUs", wanted, sizing.cpus)
    return _serve(settings, sizing)


def _serve(settings: Settings, sizing: Sizing) -> int:
    for name, value in thread_variables(sizing.threads).items():
        os.environ.setdefault(name, value)
    # Imported only here: both modules import numpy, which reads the variables while it is imported.
    from service.application import build_application  # noqa: PLC0415
    from service.workers.server import serve  # noqa: PLC0415

    try:
        build_application(settings)
        serve(settings, sizing)
    except (ModelUnloadable, CannotListen) as error:
        return _fail(str(error))
    return 0


def _stop(number: int, _: FrameType | None) -> None:
    """Stop while the model is still loading.

    Process 1 of a container ignores SIGTERM unless it has a handler: without this handler, only SIGKILL would
    stop it.
    """
    raise SystemExit(128 + number)


def _fail(*problems: str) -> int:
    for problem in problems:
        print(f"error: {problem}", file=sys.stderr)  # noqa: T201 (the person who started the service reads it)
    return 1


if __name__ == "__main__":
    sys.exit(main())
