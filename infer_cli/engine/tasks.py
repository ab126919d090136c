"""Runs a task: a command in a container of its own, which is removed afterwards."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from infer_cli.engine.connection import translated
from infer_cli.engine.containers import create_container, kill_container, start_container
from infer_cli.engine.services import inspect_service
from infer_cli.engine.streams import Connection, attach_pipes

if TYPE_CHECKING:
    from infer_cli.engine.connection import Engine
    from infer_cli.engine.streams import OutputCallback
    from infer_cli.plan.run import RunPlan

# The parameters of the engine's request to attach to a container.
_STREAMS = {"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1}


@dataclass(frozen=True)
class TaskResult:
    """The exit code of a task, and the reason of its end in words."""

    exit_code: int
    end_reason: str


def run_task(engine: Engine, plan: RunPlan, *, stdin: bytes, on_output: OutputCallback) -> TaskResult:
    """Run the command of `plan` with `stdin` as its standard input, and wait for its end.

    `on_output` receives the output of the command. The container called `plan.name` is removed in any case,
    so the name must be unique. Raises `EngineError` if the container cannot be created or started.
    """
    try:
        container_id = create_container(engine, plan)
        with translated(f"run {plan.command[0]} in {plan.image}"):
            # Attach before the start, so that no output is missed.
            stream = engine.api.attach_socket(container_id, params=dict(_STREAMS))
        start_container(engine, plan, container_id)
        attach_pipes(Connection(stream), on_output, stdin)
        with translated(f"wait for {plan.name}"):
            engine.api.wait(container_id)
        ended = inspect_service(engine, container_id)
        return TaskResult(ended.exit_code, ended.end_reason)
    finally:
        # By name, as an interrupt may come before the id is known.
        kill_container(engine, plan.name)
