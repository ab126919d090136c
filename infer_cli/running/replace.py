"""Puts a new service in the place of an old one, which stays if the new one does not become ready."""

from __future__ import annotations

import uuid
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from infer_cli.engine.containers import (
    create_service,
    forget_tokens,
    keep_running,
    put_back,
    remove_service,
    set_aside,
)
from infer_cli.engine.interrupts import interrupts_deferred
from infer_cli.errors import ContainerFailed, InferError
from infer_cli.running.readiness import wait_until_ready
from infer_cli.running.start import started_service

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from infer_cli.engine.connection import Engine
    from infer_cli.engine.services import Service
    from infer_cli.plan.run import RunPlan
    from infer_cli.running.start import PreparedRun
    from infer_cli.terminal.progress import Progress


def replace_service(
    engine: Engine,
    run: PreparedRun,
    old: Service,
    *,
    timeout_s: float,
    progress: Progress,
    note: Callable[[str], None],
) -> Service:
    """Start a service in the place of `old`, wait until it is ready, and remove `old`.

    While `old` still answers, a temporary container without a port shows that the new service becomes ready.
    Then `old` is stopped, as both want the same port, and the new service starts: requests are refused for
    as long as that takes. If anything fails or is interrupted, `old` answers as before. Raises what starting
    a service raises.
    """
    try:
        if old.is_running:
            progress.stage(f"Trying the new {run.plan.name} beside the old one")
            _try_out(engine, run.plan, timeout_s)
        progress.stage(f"Putting the new {run.plan.name} in the place of the old one")
        with (
            _old_set_aside(engine, old),
            started_service(engine, run, note=note) as new,
        ):
            wait_until_ready(engine, new, timeout_s=timeout_s)
            keep_running(engine, new, run.plan.restart)
    except InferError:
        forget_tokens(engine, run.plan.access)
        note(f"{old.name} stays as it was")
        raise
    remove_service(engine, old)
    return new


def _try_out(engine: Engine, plan: RunPlan, timeout_s: float) -> None:
    """Show that a service of the plan becomes ready; raises `ContainerFailed` with the end of its log."""
    trial = create_service(
        engine,
        replace(
            plan,
            name=f"infer-try-{uuid.uuid4().hex[:12]}",
            host_port=None,
            restart="no",
            is_temporary=True,
        ),
    )
    try:
        wait_until_ready(engine, trial, timeout_s=timeout_s)
    except ContainerFailed as error:
        error.message = error.message.replace(f"service {trial.name}", f"new service {plan.name}")
        raise
    finally:
        remove_service(engine, trial)


@contextmanager
def _old_set_aside(engine: Engine, old: Service) -> Iterator[None]:
    """Set a service aside during the block, and put it back if the block raises an error."""
    try:
        set_aside(engine, old, f"{old.name}-replaced-{uuid.uuid4().hex[:6]}")
        yield
    except BaseException:
        with interrupts_deferred():
            put_back(engine, old)
        raise
