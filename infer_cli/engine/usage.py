"""What a container uses of its machine, as the engine measures it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from infer_cli.engine.connection import translated
from infer_cli.engine.services import engine_time
from infer_cli.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infer_cli.engine.connection import Engine, EngineRecord
    from infer_cli.engine.services import Service

_NANOSECONDS = 1e9
# File pages that the system takes back first are no need of the program; version 2 of control groups has the
# first name, version 1 the second. `docker stats` leaves them out, too.
_RECLAIMABLE = ("inactive_file", "total_inactive_file")


@dataclass(frozen=True)
class Usage:
    """The CPU time since the start of a container, and its memory, at a time of the engine's clock.

    What the engine does not say is None.
    """

    at_s: float
    cpu_s: float | None = None
    memory_bytes: int | None = None


def stream_usage(engine: Engine, service: Service) -> Iterator[Usage]:
    """What the container of a service uses, about every second, until it is removed.

    Raises `EngineError` if the engine measures nothing, as Podman without control groups.
    """
    from urllib3.exceptions import HTTPError  # noqa: PLC0415 (slow to import)

    with translated(f"ask for what {service.name} uses"):
        try:
            for raw in engine.api.stats(service.container_id, stream=True, decode=True):
                yield parse_usage(raw)
        except (HTTPError, ConnectionError) as error:
            # The SDK reads the stream without translating the errors of its connection.
            raise EngineError(f"the engine no longer tells what {service.name} uses: {error}") from error


def parse_usage(raw: EngineRecord) -> Usage:
    """Read the engine's record; a figure of 0 is one that the engine could not measure."""
    cpu_ns = ((raw.get("cpu_stats") or {}).get("cpu_usage") or {}).get("total_usage")
    memory = raw.get("memory_stats") or {}
    used, details = int(memory.get("usage") or 0), memory.get("stats") or {}
    # Version 1 has both names; the second one then counts the whole container.
    reclaimable = next((int(details[name]) for name in reversed(_RECLAIMABLE) if name in details), 0)
    if reclaimable < used:
        used -= reclaimable
    read_at = engine_time(raw.get("read"))
    at_s = read_at.timestamp() if read_at else time.time()
    return Usage(at_s, cpu_ns / _NANOSECONDS if cpu_ns else None, used or None)
