"""Lets a running service load its model file again, or serve the model that it served before."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from infer_cli.errors import ContainerFailed, ModelRefused
from infer_cli.running.program import run_program

if TYPE_CHECKING:
    from infer_cli.engine.connection import Engine
    from infer_cli.engine.services import Service

_PROGRAM = ("python3", "-m", "service.reload")
_REFUSED = "refused"
# What Python says of an image that was built before the program was added.
_NO_PROGRAM = b"No module named service.reload"


@dataclass(frozen=True)
class Reloaded:
    """What a service says when it has loaded a model.

    `outcome` is `served`, `rolled_back` or `unchanged`. `digest` is that of the model file that is served
    now, and `before` that of the one that was served before, if there was one.
    """

    outcome: str
    digest: str
    before: str | None


def reload_model(
    engine: Engine, service: Service, *, takes_any_inputs: bool = False, rolls_back: bool = False
) -> Reloaded:
    """Let a running service load its model file, or with `rolls_back` the model that was served before.

    Raises `ModelRefused`, with the reason, if the model is not served; the one that is served stays then.
    Raises `ContainerFailed` if the service cannot be asked.
    """
    options = [
        *(["--any-inputs"] if takes_any_inputs else []),
        *(["--rollback"] if rolls_back else []),
    ]
    result = run_program(engine, service, (*_PROGRAM, *options), stdin=b"")
    if _NO_PROGRAM in result.stderr:
        raise ContainerFailed(
            f"the image of {service.name} is of an older infer: it loads a model only at the start",
            hint=f"start it anew: `infer restart {service.name}`, or build the image again",
        )
    try:
        answer = json.loads(result.stdout)
    except ValueError:
        answer = {}
    if "outcome" not in answer:
        reason = answer.get("error") or result.stderr.decode(errors="replace").strip() or "it says nothing"
        raise ContainerFailed(
            f"the service {service.name} cannot load a model: {reason}",
            hint=f"see its log: `infer logs {service.name}`",
        )
    if answer["outcome"] == _REFUSED:
        message = f"{service.name} does not serve this model: {answer['reason']}"
        raise ModelRefused(message, hint=_advice(service, answer["reason"]))
    return Reloaded(answer["outcome"], answer["digest"], answer["before"])


def _advice(service: Service, reason: str) -> str:
    stays = "the model that was served is served on"
    if reason.startswith("its inputs are not those"):
        return f"{stays}; if its clients know of that: `infer reload {service.name} --any-inputs`"
    return stays
