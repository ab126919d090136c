"""Runs a command in a container of its own, which is gone afterwards."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from infer_cli.engine.connection import translated
from infer_cli.engine.containers import create_container, kill_container, start_container
from infer_cli.engine.services import inspect_service
from infer_cli.engine.streams import Connection, attach_pipes

if TYPE_CHECKING:
    from infer_cli.engine.connection import Engine
    from infer_cli.engine.streams import Sink
    from infer_cli.plan.run import RunPlan

_STREAMS = {"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1}


@dataclass(frozen=True)
class Ended:
    """How a task ended; `ending` says it in words."""

    exit_code: int
    ending: str


def run_task(engine: Engine, plan: RunPlan, *, given: bytes, sink: Sink) -> Ended:
    """Run the command of `plan`, with `given` as its input; `sink` takes what it writes.

    The container is removed in any case, so that its name must be one that nobody else would choose. Raises
    `EngineError` if it cannot be started.
    """
    try:
        container_id = create_container(engine, plan)
        with translated(f"run {plan.command[0]} in {plan.image}"):
            # Before it starts, so that nothing that it writes is missed.
            stream = engine.api.attach_socket(container_id, params=dict(_STREAMS))
        start_container(engine, plan, container_id)
        attach_pipes(Connection(stream), sink, given)
        with translated(f"wait for {plan.name}"):
            engine.api.wait(container_id)
        ended = inspect_service(engine, container_id)
        return Ended(ended.exit_code, ended.ending)
    finally:
        # By its name: an interruption may come before its id is known.
        kill_container(engine, plan.name)
