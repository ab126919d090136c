"""A service that a command starts for itself, and removes when it is done."""

from __future__ import annotations

import uuid
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from infer_cli.engine.containers import kill_container
from infer_cli.running.readiness import wait_until_ready
from infer_cli.running.start import prepare_run, started_service

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infer_cli.engine.connection import Engine
    from infer_cli.engine.services import Service
    from infer_cli.running.start import RunRequest
    from infer_cli.terminal.progress import Progress


@contextmanager
def temporary_service(
    engine: Engine, request: RunRequest, progress: Progress, *, timeout_s: float
) -> Iterator[Service]:
    """Start a service for the block, which begins when it is ready; nothing of it is left afterwards.

    It has a name of its own, the next free port, and all the limits of `infer run`; `infer ps` does not list
    it. Raises the errors of `prepare_run`, `started_service` and `wait_until_ready`.
    """
    request = replace(request, name=f"infer-temporary-{uuid.uuid4().hex[:12]}")
    prepared = prepare_run(engine, request, progress)
    prepared = replace(prepared, plan=replace(prepared.plan, is_temporary=True))
    progress.stage(f"Starting {request.image}")
    with started_service(engine, prepared, note=lambda _: None) as service:
        wait_until_ready(engine, service, timeout_s=timeout_s)
        try:
            yield service
        finally:
            # No request of anybody is left to finish.
            kill_container(engine, service.name)
