"""Services on the engine, running or not: listed, found by name, inspected; and their logs."""

from __future__ import annotations

import re
import signal
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from infer_cli.engine.connection import translated
from infer_cli.errors import ServiceNotFound
from infer_cli.plan import labels
from infer_cli.plan.layout import CONTAINER_PORT, MOUNT_FOLDER
from infer_cli.plan.run import TLS_FILES, TOKENS, origin_of
from infer_cli.plan.settings import TLS_CERTIFICATE, TOKENS_FILE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from infer_cli.engine.connection import Engine, EngineRecord

# The service's port in the notation of the engine.
PORT = f"{CONTAINER_PORT}/tcp"
# The engine writes nanoseconds, and Python reads microseconds.
_FRACTION = re.compile(r"(\.\d{1,6})\d*")

# A program that a signal ended has the exit code 128 and the number of the signal.
_SIGNAL_BASE = 128


@dataclass(frozen=True)
class Service:
    """A container that serves a model, as the engine reports it.

    `state` is the engine's own word, such as running or exited. `model` is the name of the model file.
    `model_folder` is the folder that is mounted; None if the model is inside the image, or was copied to an
    engine on another machine. `model_digest` is the digest of the file at the start, and `model_origin` that
    of its path, None if the model is inside the image. `fingerprint` is the label that `infer up` gives.
    `access` is the id of the tokens that infer made for it, and of the certificate that it was given;
    `has_tokens` and `has_certificate` tell which of them it has. `has_tls` says that it speaks TLS, with that
    certificate or another one.
    """

    name: str
    container_id: str
    image: str
    state: str
    health: str | None
    exit_code: int
    restart_count: int
    started_at: datetime | None
    host_ip: str | None
    host_port: int | None
    model: str | None
    model_folder: str | None = None
    model_digest: str | None = None
    model_origin: str | None = None
    out_of_memory: bool = False
    image_id: str | None = None
    fingerprint: str | None = None
    access: str | None = None
    has_tokens: bool = False
    has_certificate: bool = False
    has_tls: bool = False

    @property
    def is_running(self) -> bool:
        """Whether the container runs."""
        return self.state == "running"

    @property
    def end_reason(self) -> str:
        """Why a container that no longer runs ended."""
        if self.out_of_memory:
            return "it ran out of memory"
        name = _signal_name(self.exit_code)
        if name == "SIGKILL":
            return f"exit code {self.exit_code}: it was killed, most likely for lack of memory"
        return f"exit code {self.exit_code}: {name}" if name else f"exit code {self.exit_code}"

    @property
    def is_short_of_memory(self) -> bool:
        """Whether the container ran out of memory, or was killed, most likely for lack of memory."""
        return self.out_of_memory or _signal_name(self.exit_code) == "SIGKILL"


def list_services(engine: Engine, *, all_states: bool = True) -> tuple[Service, ...]:
    """The services on this engine, sorted by name, without temporary containers.

    `all_states` includes services that no longer run.
    """
    with translated("list the services"):
        found = engine.api.containers(all=all_states, filters={"label": labels.SERVICE})
        kept = [container for container in found if labels.TEMPORARY not in (container.get("Labels") or ())]
        raws = [raw for container in kept if (raw := _inspect(engine, container["Id"]))]
    return tuple(sorted(map(_service, raws), key=lambda service: service.name))


def find_service(engine: Engine, name: str | None) -> Service:
    """The service with this name or container id; without a name, the only service that runs.

    Raises `ServiceNotFound` with a list of the existing services.
    """
    services = list_services(engine)
    if name is None:
        running = [service for service in services if service.is_running]
        if len(running) == 1:
            return running[0]
        if len(running) > 1:
            raise ServiceNotFound(
                "several services are running",
                detail=_listing(running),
                hint=f"put the name of one behind the command's name: {running[0].name}",
            )
        raise ServiceNotFound(
            "no service is running",
            detail=_listing(services),
            hint="start one: `infer up MODEL`",
        )
    for service in services:
        if name == service.name or (len(name) >= 12 and service.container_id.startswith(name)):  # noqa: PLR2004
            return service
    raise ServiceNotFound(
        f"there is no service called {name!r}",
        detail=_listing(services),
        hint="`infer ps` lists the services",
    )


def inspect_service(engine: Engine, container_id: str) -> Service:
    """The current state of a service; raises `ServiceNotFound` if its container no longer exists."""
    with translated("look at the service"):
        raw = _inspect(engine, container_id)
    if raw is None:
        raise ServiceNotFound("the container of the service is gone; something else removed it")
    return _service(raw)


def stream_logs(
    engine: Engine,
    service: Service,
    *,
    follow: bool,
    tail: int | None = None,
    since: datetime | None = None,
) -> Iterator[bytes]:
    """The log of the service, in chunks.

    `follow` continues until the container ends. `tail` limits the log to its last lines, and `since` to the
    lines after a time.
    """
    with translated(f"read the log of {service.name}"):
        stream = engine.api.logs(
            service.container_id,
            stream=True,
            follow=follow,
            tail="all" if tail is None else tail,
            since=since.timestamp() if since else None,
        )
        try:
            yield from stream
        finally:
            stream.close()


def log_tail(engine: Engine, service: Service, lines: int = 20, *, since: datetime | None = None) -> str:
    """The last lines of the service's log, or of those after a time, as one string."""
    chunks = stream_logs(engine, service, follow=False, tail=lines, since=since)
    return b"".join(chunks).decode(errors="replace").rstrip()


def container_names(engine: Engine) -> set[str]:
    """The names of all containers on the engine, of infer or not, running or not."""
    with translated("list the containers"):
        found = engine.api.containers(all=True)
    return {name.lstrip("/") for container in found for name in container.get("Names") or ()}


def holder_of_port(engine: Engine, host_port: int) -> str | None:
    """A description of the running container that publishes `host_port`, or None."""
    with translated("list the containers"):
        for container in engine.api.containers():
            if any(port.get("PublicPort") == host_port for port in container.get("Ports") or ()):
                return f"the container {container['Names'][0].lstrip('/')} ({container['Image']})"
    return None


def _inspect(engine: Engine, container_id: str) -> EngineRecord | None:
    from docker.errors import NotFound  # noqa: PLC0415 (slow to import)

    try:
        raw: EngineRecord = engine.api.inspect_container(container_id)
    except NotFound:
        return None
    return raw


def _signal_name(exit_code: int) -> str | None:
    """The signal that ended a program with this exit code, as shells tell it; None if none did."""
    with suppress(ValueError):
        return signal.Signals(exit_code - _SIGNAL_BASE).name
    return None


def _service(raw: EngineRecord) -> Service:
    state, config = raw["State"], raw["Config"]
    bindings = ((raw.get("HostConfig") or {}).get("PortBindings") or {}).get(PORT) or [{}]
    found = config.get("Labels") or {}
    variables = dict(str(entry).split("=", 1) for entry in config.get("Env") or () if "=" in entry)
    model, folder = found.get(labels.MODEL_FILE), _mounted_folder(raw)
    # Services that an older infer started lack the label.
    origin = found.get(labels.MODEL_ORIGIN) or (origin_of(folder, str(model)) if folder else None)
    return Service(
        name=str(raw["Name"]).lstrip("/"),
        container_id=str(raw["Id"]),
        image=str(config["Image"]),
        state=str(state["Status"]),
        health=(state.get("Health") or {}).get("Status"),
        exit_code=int(state.get("ExitCode") or 0),
        restart_count=int(raw.get("RestartCount") or 0),
        started_at=engine_time(state.get("StartedAt")),
        host_ip=bindings[0].get("HostIp") or None,
        host_port=int(bindings[0].get("HostPort") or 0) or None,
        model=model,
        model_folder=folder,
        model_digest=found.get(labels.MODEL_DIGEST),
        model_origin=origin,
        out_of_memory=bool(state.get("OOMKilled")),
        image_id=raw.get("Image"),
        fingerprint=found.get(labels.FINGERPRINT),
        access=found.get(labels.ACCESS),
        has_tokens=variables.get(TOKENS_FILE) == TOKENS,
        has_certificate=TLS_FILES.items() <= variables.items(),
        has_tls=bool(variables.get(TLS_CERTIFICATE, "").strip()),
    )


def _mounted_folder(raw: EngineRecord) -> str | None:
    """The folder of the machine that is mounted for the model, as infer named it to the engine.

    The engine's own list of mounts may hold another path: Docker Desktop mounts through its own machine.
    """
    for bind in (raw.get("HostConfig") or {}).get("Binds") or ():
        source, _, target = str(bind).partition(":")
        if source.startswith("/") and target.split(":")[0] == str(MOUNT_FOLDER):
            return source
    return None


def engine_time(text: str | None) -> datetime | None:
    """Parse a time of the engine; the year 1 means "never", for which the result is None."""
    if not text or text.startswith("0001-"):
        return None
    return datetime.fromisoformat(_FRACTION.sub(r"\1", text))


def _listing(services: Sequence[Service]) -> str | None:
    if not services:
        return None
    return "services:\n" + "\n".join(f"  {service.name} ({service.state})" for service in services)
