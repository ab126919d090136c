"""Runs a program in a running service, and keeps what it writes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from infer_cli.engine.exec import exec_in_service
from infer_cli.engine.services import find_service
from infer_cli.engine.streams import STDERR_STREAM, STDOUT_STREAM
from infer_cli.errors import ContainerFailed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from infer_cli.engine.connection import Engine
    from infer_cli.engine.services import Service


@dataclass(frozen=True)
class ProgramResult:
    """A program that has ended: its exit code, and all that it wrote."""

    exit_code: int
    stdout: bytes
    stderr: bytes


def find_running_service(engine: Engine, name: str | None) -> Service:
    """The service called `name`, or the only running one; raises `ServiceNotFound` or `ContainerFailed`."""
    service = find_service(engine, name)
    if not service.is_running:
        message = f"the service {service.name} is not running ({service.state})"
        raise ContainerFailed(message, hint=f"see why: `infer logs {service.name}`")
    return service


def run_program(
    engine: Engine,
    service: Service,
    command: Sequence[str],
    *,
    user: str | None = None,
    stdin: bytes | None = None,
) -> ProgramResult:
    """Run a program without a terminal; `stdin` replaces our own standard input.

    Raises `ProgramNotRun` if the service has no such program.
    """
    written: dict[int, list[bytes]] = {STDOUT_STREAM: [], STDERR_STREAM: []}

    def keep(stream: int, data: bytes) -> None:
        written[stream].append(data)

    exit_code = exec_in_service(engine, service, command, user=user, on_output=keep, stdin=stdin)
    return ProgramResult(exit_code, b"".join(written[STDOUT_STREAM]), b"".join(written[STDERR_STREAM]))
