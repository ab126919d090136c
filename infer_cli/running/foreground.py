"""A service in the foreground: its log is shown until it ends or is interrupted, then it is removed."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from infer_cli.engine.services import inspect_service, stream_logs
from infer_cli.errors import Interrupted
from infer_cli.running.endings import ended_with
from infer_cli.running.start import remove_for_sure

if TYPE_CHECKING:
    from collections.abc import Callable

    from infer_cli.engine.connection import Engine
    from infer_cli.engine.services import Service

# The last lines of a log, in which the service says why it ended.
_END_BYTES = 2**14


def follow_service(
    engine: Engine,
    service: Service,
    *,
    write: Callable[[bytes], None],
    note: Callable[[str], None],
) -> NoReturn:
    """Give the log to `write` until the service ends, and remove the service.

    Raises `Interrupted` after Ctrl-C, and `ContainerFailed` if the service ended by itself. `note` gets what
    the user should know meanwhile.
    """
    end_of_log = b""
    try:
        for chunk in stream_logs(engine, service, follow=True):
            write(chunk)
            end_of_log = (end_of_log + chunk)[-_END_BYTES:]
        now = inspect_service(engine, service.container_id)
    except KeyboardInterrupt:
        note(f"\nStopping {service.name}")
        raise Interrupted(f"stopped and removed {service.name}") from None
    finally:
        remove_for_sure(engine, service, note=note)
    log = end_of_log.decode(errors="replace")
    raise ended_with(now, log, "by itself", is_shown=True)
