"""Services on the engine: started, found, followed and stopped."""

from __future__ import annotations

import re
import tarfile
import tempfile
import uuid
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from infer_cli.engine.connection import explanation, translated
from infer_cli.engine.interrupts import interrupts_deferred
from infer_cli.errors import ContainerFailed, EngineError, NameTaken, PortTaken, ServiceNotFound
from infer_cli.plan import labels
from infer_cli.plan.build import CONTAINER_PORT, MOUNT_FOLDER
from infer_cli.plan.context import fixed_entry

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from infer_cli.engine.connection import Engine
    from infer_cli.plan.build import ModelMount, RunPlan

_STOP_TIMEOUT_S = 10
_COMMAND_NOT_FOUND = 127
_PORT = f"{CONTAINER_PORT}/tcp"
_PORT_TAKEN = re.compile(
    r"port is already allocated|address already in use|ports are not available", re.IGNORECASE
)
_FRACTION = re.compile(r"(\.\d{1,6})\d*")
# A service that writes much must not fill the engine's disk.
_LOG_LIMITS = {"max-size": "10m", "max-file": "3"}
_NO_HEALTHCHECK = {"test": ["NONE"]}


@dataclass(frozen=True)
class Service:
    """A container of our image. `state` is the engine's word for it, such as running or exited."""

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
    # Where the model came from, and what it was then; None if it is inside the image.
    model_folder: str | None = None
    model_digest: str | None = None
    out_of_memory: bool = False

    @property
    def is_running(self) -> bool:
        """Whether it can answer."""
        return self.state == "running"

    @property
    def ending(self) -> str:
        """How one that no longer runs ended."""
        return "it ran out of memory" if self.out_of_memory else f"exit code {self.exit_code}"


def list_services(engine: Engine, *, all_states: bool = True) -> tuple[Service, ...]:
    """The services on this engine, sorted by name, without those that are there for a command only."""
    with translated("list the services"):
        found = engine.api.containers(all=all_states, filters={"label": labels.SERVICE})
        kept = [container for container in found if labels.TEMPORARY not in (container.get("Labels") or ())]
        raws = [raw for container in kept if (raw := _inspect(engine, container["Id"]))]
    return tuple(sorted(map(_service, raws), key=lambda service: service.name))


def find_service(engine: Engine, name: str | None) -> Service:
    """The service called `name`; without a name, the only one that runs.

    Raises `ServiceNotFound`, which lists the services that there are.
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
                hint="say which one, by its name",
            )
        raise ServiceNotFound(
            "no service is running",
            detail=_listing(services),
            hint="start one: `infer run TAG --model-dir DIR -d`",
        )
    for service in services:
        if name == service.name or (len(name) >= 12 and service.container_id.startswith(name)):  # noqa: PLR2004
            return service
    raise ServiceNotFound(
        f"there is no service called {name!r}",
        detail=_listing(services),
        hint="`infer ps` lists the services",
    )


def create_service(engine: Engine, plan: RunPlan) -> Service:
    """Create and start the container of `plan`.

    Raises `NameTaken`, `PortTaken` or `EngineError`; the container is removed again if it cannot start.
    """
    container_id = create_container(engine, plan)
    try:
        start_container(engine, plan, container_id)
        return inspect_service(engine, container_id)
    except BaseException:
        _remove(engine, container_id, plan.name)
        raise


def create_container(engine: Engine, plan: RunPlan) -> str:
    """Create the container of `plan`, with the model where it is to be, and give its id.

    Raises `NameTaken` or `EngineError`; if it is interrupted, nothing stays.
    """
    volume, container_id = None, None
    try:
        if plan.model is not None and not engine.is_local:
            volume = _copy_model(engine, plan.image, plan.name, plan.model)
        with interrupts_deferred():
            container_id = _create(engine, plan, volume)
    except BaseException:
        if container_id is not None:
            _remove(engine, container_id, plan.name)
        elif volume is not None:
            with translated(f"remove the volume of {plan.name}"):
                engine.api.remove_volume(volume, force=True)
        raise
    return container_id


def inspect_service(engine: Engine, container_id: str) -> Service:
    """The service as it is now; raises `ServiceNotFound` if the container is gone."""
    with translated("look at the service"):
        raw = _inspect(engine, container_id)
    if raw is None:
        raise ServiceNotFound("the container of the service is gone; something else removed it")
    return _service(raw)


def remove_service(engine: Engine, service: Service) -> None:
    """Stop the service, giving it time to finish its requests, and remove it with its volumes."""
    _remove(engine, service.container_id, service.name)


def stream_logs(
    engine: Engine,
    service: Service,
    *,
    follow: bool,
    tail: int | None = None,
    since: datetime | None = None,
) -> Iterator[bytes]:
    """The log of the service in chunks; with `follow`, until the container ends."""
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


def log_tail(engine: Engine, service: Service, lines: int = 20) -> str:
    """The last lines of the log."""
    return b"".join(stream_logs(engine, service, follow=False, tail=lines)).decode(errors="replace").rstrip()


def run_throwaway(engine: Engine, image: str, command: Sequence[str]) -> tuple[int, str]:
    """Run `command` without network in a new container of `image`; its exit code and output.

    The container is removed. A program that the image does not have gives 127, as in a shell.
    """
    from docker.errors import APIError  # noqa: PLC0415 (slow to import)

    with translated(f"run {command[0]} in {image}"):
        host = engine.api.create_host_config(network_mode="none", cap_drop=["ALL"], read_only=True)
        with throwaway(engine, image, list(command), entrypoint=[], host_config=host) as container_id:
            try:
                engine.api.start(container_id)
                status = engine.api.wait(container_id)["StatusCode"]
                return int(status), engine.api.logs(container_id).decode(errors="replace")
            except APIError as error:
                if "executable file not found" in explanation(error) or "no such file" in explanation(error):
                    return _COMMAND_NOT_FOUND, explanation(error)
                raise


@contextmanager
def throwaway(engine: Engine, image: str, command: list[str] | None = None, **settings: Any) -> Iterator[str]:  # noqa: ANN401 (those of docker's create_container)
    """A container of `image` that is gone after the block, which gets its id; it is not started."""
    container_id, marked = None, {labels.TEMPORARY: ""}
    try:
        with interrupts_deferred():
            made = engine.api.create_container(image, command, labels=marked, **settings)
            container_id = str(made["Id"])
        yield container_id
    finally:
        if container_id is not None:
            engine.api.remove_container(container_id, force=True, v=True)


def container_names(engine: Engine) -> set[str]:
    """The names of all containers, ours or not, running or not."""
    with translated("list the containers"):
        found = engine.api.containers(all=True)
    return {name.lstrip("/") for container in found for name in container.get("Names") or ()}


def holder_of_port(engine: Engine, host_port: int) -> str | None:
    """The container that publishes `host_port`, described, or None."""
    with translated("list the containers"):
        for container in engine.api.containers():
            if any(port.get("PublicPort") == host_port for port in container.get("Ports") or ()):
                return f"the container {container['Names'][0].lstrip('/')} ({container['Image']})"
    return None


def _create(engine: Engine, plan: RunPlan, volume: str | None) -> str:
    from docker.errors import APIError, ImageNotFound  # noqa: PLC0415 (slow to import)

    with translated(f"create the container {plan.name}"):
        try:
            created = engine.api.create_container(
                plan.image,
                name=plan.name,
                environment=plan.all_environment,
                labels=plan.labels,
                user=plan.safety.user,
                ports=[CONTAINER_PORT],
                command=list(plan.command) or None,
                stdin_open=bool(plan.command),
                healthcheck=_NO_HEALTHCHECK if plan.command else None,
                host_config=_host_config(engine, plan, volume),
            )
        except ImageNotFound as error:
            raise EngineError(f"the image {plan.image} is gone") from error
        except APIError as error:
            if error.status_code == 409 and "already in use" in explanation(error):  # noqa: PLR2004 (HTTP's Conflict)
                raise _name_taken(engine, plan.name) from error
            raise
    return str(created["Id"])


def _name_taken(engine: Engine, name: str) -> NameTaken:
    is_ours = any(service.name == name for service in list_services(engine))
    command = f"infer stop {name}" if is_ours else f"docker rm -f {name}"
    return NameTaken(
        f"a container called {name!r} exists already",
        hint=f"choose another --name, or remove that one: `{command}`",
    )


def _host_config(engine: Engine, plan: RunPlan, volume: str | None) -> dict[str, Any]:
    from docker.types import LogConfig  # noqa: PLC0415 (slow to import)

    # What a task writes is its result, which may be large, and goes to who attaches to it.
    log = LogConfig(type="none") if plan.command else LogConfig(type="json-file", config=_LOG_LIMITS)
    limits, safety = plan.limits, plan.safety
    binds = None
    if plan.model is not None:
        mode = "rw" if plan.model.writable else "ro"
        binds = [f"{volume or plan.model.folder}:{MOUNT_FOLDER}:{mode}"]
    return engine.api.create_host_config(
        binds=binds,
        port_bindings={_PORT: (plan.host_ip, plan.host_port)} if plan.host_port else None,
        network_mode=None if plan.host_port else "none",
        read_only=safety.read_only,
        tmpfs={"/tmp": "rw,nosuid,nodev,noexec,size=64m"},  # noqa: S108 (inside the container)
        cap_drop=["ALL"],
        cap_add=list(safety.added_capabilities),
        security_opt=None if safety.new_privileges else ["no-new-privileges"],
        pids_limit=limits.processes,
        mem_limit=limits.memory,
        memswap_limit=limits.memory,
        nano_cpus=round(limits.cpus * 1e9) if limits.cpus else None,
        restart_policy={"Name": plan.restart},
        log_config=log,
    )


def start_container(engine: Engine, plan: RunPlan, container_id: str) -> None:
    """Start the container of `plan`; raises `PortTaken` or `ContainerFailed`."""
    from docker.errors import APIError  # noqa: PLC0415 (slow to import)

    with translated(f"start the container {plan.name}"):
        try:
            engine.api.start(container_id)
        except APIError as error:
            reason = explanation(error)
            if _PORT_TAKEN.search(reason):
                raise PortTaken(f"port {plan.host_port} is taken") from error
            raise ContainerFailed(f"the container {plan.name} cannot start: {reason}") from error


def _copy_model(engine: Engine, image: str, service: str, model: ModelMount) -> str:
    """Copy the model folder into a new volume of an engine that cannot see it; gives the volume's name."""
    volume = None
    with translated(f"copy {model.folder} to the engine"), tempfile.TemporaryFile() as archive:
        _pack_folder(model.folder, archive)
        archive.seek(0)
        # Never that of another service, which may have the same name and be running.
        name = f"infer-model-{service}-{uuid.uuid4().hex[:12]}"
        made = {labels.VOLUME_OF: service}
        try:
            with interrupts_deferred():
                volume = str(engine.api.create_volume(name, labels=made)["Name"])
            # A container that never runs gives the way into the volume.
            host = engine.api.create_host_config(binds=[f"{volume}:{MOUNT_FOLDER}"], network_mode="none")
            with throwaway(engine, image, host_config=host) as carrier:
                engine.api.put_archive(carrier, str(MOUNT_FOLDER), archive)
        except BaseException:
            if volume is not None:
                engine.api.remove_volume(volume, force=True)
            raise
    return volume


def _pack_folder(folder: Path, target: Any) -> None:  # noqa: ANN401 (any binary file)
    """Pack `folder` so that any user can read it in the volume."""
    with tarfile.open(fileobj=target, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for path in sorted(folder.rglob("*")):
            relative = path.relative_to(folder).as_posix()
            if path.is_dir():
                tar.addfile(fixed_entry(relative, size=None))
            elif path.is_file():
                with path.open("rb") as content:
                    tar.addfile(fixed_entry(relative, size=path.stat().st_size), content)


def kill_container(engine: Engine, name: str) -> None:
    """Remove a container at once, if it is there, with its volumes."""
    from docker.errors import NotFound  # noqa: PLC0415 (slow to import)

    with translated(f"remove {name}"):
        with suppress(NotFound):
            engine.api.remove_container(name, force=True, v=True)
        _remove_volumes(engine, name)


def _remove(engine: Engine, container_id: str, name: str) -> None:
    from docker.errors import NotFound  # noqa: PLC0415 (slow to import)

    with translated(f"stop {name}"):
        with suppress(NotFound):
            engine.api.stop(container_id, timeout=_STOP_TIMEOUT_S)
        with suppress(NotFound):
            engine.api.remove_container(container_id, force=True, v=True)
        _remove_volumes(engine, name)


def _remove_volumes(engine: Engine, name: str) -> None:
    with translated(f"remove the volume of {name}"):
        found = engine.api.volumes(filters={"label": f"{labels.VOLUME_OF}={name}"})
        for volume in found.get("Volumes") or ():
            engine.api.remove_volume(volume["Name"], force=True)


def _inspect(engine: Engine, container_id: str) -> Mapping[str, Any] | None:
    from docker.errors import NotFound  # noqa: PLC0415 (slow to import)

    try:
        raw: Mapping[str, Any] = engine.api.inspect_container(container_id)
    except NotFound:
        return None
    return raw


def _service(raw: Mapping[str, Any]) -> Service:
    state, config = raw["State"], raw["Config"]
    bindings = ((raw.get("HostConfig") or {}).get("PortBindings") or {}).get(_PORT) or [{}]
    found = config.get("Labels") or {}
    return Service(
        name=str(raw["Name"]).lstrip("/"),
        container_id=str(raw["Id"]),
        image=str(config["Image"]),
        state=str(state["Status"]),
        health=(state.get("Health") or {}).get("Status"),
        exit_code=int(state.get("ExitCode") or 0),
        restart_count=int(raw.get("RestartCount") or 0),
        started_at=_time(state.get("StartedAt")),
        host_ip=bindings[0].get("HostIp") or None,
        host_port=int(bindings[0].get("HostPort") or 0) or None,
        model=found.get(labels.MODEL_FILE),
        model_folder=found.get(labels.MODEL_FOLDER),
        model_digest=found.get(labels.MODEL_DIGEST),
        out_of_memory=bool(state.get("OOMKilled")),
    )


def _time(text: str | None) -> datetime | None:
    """The engine's time, which has nanoseconds and, for "never", the year 1."""
    if not text or text.startswith("0001-"):
        return None
    return datetime.fromisoformat(_FRACTION.sub(r"\1", text))


def _listing(services: Sequence[Service]) -> str | None:
    if not services:
        return None
    return "services:\n" + "\n".join(f"  {service.name} ({service.state})" for service in services)
