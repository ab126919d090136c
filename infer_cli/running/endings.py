"""Why a service ended: what it said itself, else what the engine knows of its end."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from infer_cli.engine.services import log_tail
from infer_cli.errors import ContainerFailed
from infer_cli.terminal.printable import printable

if TYPE_CHECKING:
    from infer_cli.engine.connection import Engine
    from infer_cli.engine.services import Service

ERROR_START = "error: "
MEMORY_HINT = "give it more with --memory"
LOG_HINT = "the reason is in the log above"
# The engine takes the time of a start after the program runs, so the program's first lines may be older.
_LATE_START = timedelta(seconds=2)


def said_errors(log: str) -> list[str]:
    """The errors that the service wrote before it ended, each once, without the word before them.

    A service that is restarted again and again writes the same error each time.
    """
    lines = [line[len(ERROR_START) :] for line in log.splitlines() if line.startswith(ERROR_START)]
    return list(dict.fromkeys(map(printable, lines)))


def ended(engine: Engine, service: Service, when: str) -> ContainerFailed:
    """The error of a service that ended; `when` says in words what it did, such as "while starting".

    The one line that the service wrote of its end is the message. Without one line, the end of the log is
    shown.
    """
    return ended_with(service, _log_of_last_start(engine, service), when)


def _log_of_last_start(engine: Engine, service: Service) -> str:
    """The end of the log without what the service wrote before its last start."""
    if service.is_running or service.started_at is None:
        return log_tail(engine, service)
    log = log_tail(engine, service, since=service.started_at)
    return log or log_tail(engine, service, since=service.started_at - _LATE_START)


def ended_with(service: Service, log: str, when: str, *, is_shown: bool = False) -> ContainerFailed:
    """The error of a service that ended with this log, which the user sees already if `is_shown`."""
    errors = said_errors(log)
    detail = None if is_shown else shown_log(log)
    if len(errors) == 1:
        others = set(log.splitlines()) - {f"{ERROR_START}{errors[0]}"}
        return ContainerFailed(
            f"the service {service.name} ended {when}: {errors[0]}",
            detail=detail if others else None,
            hint=MEMORY_HINT if service.out_of_memory else None,
        )
    return ContainerFailed(
        f"the service {service.name} ended {when} ({service.end_reason})",
        detail=detail,
        hint=MEMORY_HINT if service.is_short_of_memory else LOG_HINT if log.strip() else None,
    )


def shown_log(log: str) -> str:
    """The end of a log as the detail of an error."""
    lines = log.splitlines() or ["(it wrote nothing)"]
    return "the end of its log:\n" + "\n".join(f"  {line}" for line in lines)
