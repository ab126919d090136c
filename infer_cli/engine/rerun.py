"""The plan of a service that exists, read from its container, so that it can be started anew."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from infer_cli.engine.connection import translated
from infer_cli.engine.images import find_image
from infer_cli.plan import labels
from infer_cli.plan.layout import MOUNT_FOLDER
from infer_cli.plan.run import (
    DEFAULT_HOST_IP,
    NAME_VARIABLE,
    TLS_FILES,
    TOKENS,
    Limits,
    RunPlan,
    Safety,
)
from infer_cli.plan.settings import ALLOWED_HOSTS, TOKENS_FILE
from infer_cli.plan.trust import VARIABLE, trust_of_label

if TYPE_CHECKING:
    from collections.abc import Sequence

    from infer_cli.engine.connection import Engine, EngineRecord
    from infer_cli.engine.services import Service

# Set anew for each start.
_OWN_VARIABLES = {"MODEL_FILE", VARIABLE}
_NO_NEW_PRIVILEGES = "no-new-privileges"


@dataclass(frozen=True)
class KnownRun:
    """How a service was started: its plan without the model, and whether the model folder is writable."""

    plan: RunPlan
    has_writable_model: bool


def read_run(engine: Engine, service: Service) -> KnownRun:
    """Read from a container how it was started."""
    with translated(f"look at {service.name}"):
        raw: EngineRecord = engine.api.inspect_container(service.container_id)
        image: EngineRecord = engine.api.inspect_image(raw["Image"])  # type: ignore[no-untyped-call]
    config, host = raw["Config"], raw["HostConfig"]
    own = image.get("Config") or {}
    label = (config.get("Labels") or {}).get
    nano_cpus = host.get("NanoCpus")
    pids = host.get("PidsLimit")
    plan = RunPlan(
        image=_image_of(engine, service, raw["Image"]),
        name=service.name,
        host_port=service.host_port,
        host_ip=service.host_ip or DEFAULT_HOST_IP,
        environment=user_environment(config.get("Env") or (), own.get("Env") or (), name=service.name),
        limits=Limits(
            memory=str(host["Memory"]) if host.get("Memory") else None,
            cpus=nano_cpus / 1e9 if nano_cpus else None,
            processes=pids or -1,
        ),
        safety=Safety(
            user=config["User"] if config.get("User") != own.get("User") else None,
            read_only=bool(host.get("ReadonlyRootfs")),
            added_capabilities=tuple(host.get("CapAdd") or ()),
            new_privileges=_NO_NEW_PRIVILEGES not in (host.get("SecurityOpt") or ()),
        ),
        restart=(host.get("RestartPolicy") or {}).get("Name") or "no",
        trusted=trust_of_label(label(labels.TRUST)),
        access=label(labels.ACCESS),
        has_tokens=service.has_tokens,
        has_certificate=service.has_certificate,
    )
    writable = any(bind.endswith(f":{MOUNT_FOLDER}:rw") for bind in host.get("Binds") or ())
    return KnownRun(plan, writable)


def _image_of(engine: Engine, service: Service, image_id: str) -> str:
    """The name that the service was started with, or the id if that name has gone to another image."""
    named = find_image(engine, service.image)
    return service.image if named is not None and named.image_id == image_id else image_id


def user_environment(given: Sequence[str], of_image: Sequence[str], *, name: str) -> dict[str, str]:
    """The variables that the user set: those that neither the image nor infer gives the same value.

    `name` is that of the service.
    """
    own = {NAME_VARIABLE: name, ALLOWED_HOSTS: name, TOKENS_FILE: TOKENS, **TLS_FILES}
    known = {*of_image, *(f"{variable}={value}" for variable, value in own.items())}
    pairs = (entry.partition("=") for entry in given if entry not in known)
    return {name: value for name, _, value in pairs if name not in _OWN_VARIABLES}
