"""Containers on the engine: created, started and removed, for services and for commands of infer."""

from __future__ import annotations

import io
import re
import tarfile
import tempfile
import uuid
from contextlib import contextmanager, suppress
from typing import IO, TYPE_CHECKING

from infer_cli.engine.connection import explanation, translated
from infer_cli.engine.interrupts import interrupts_deferred
from infer_cli.engine.services import PORT, inspect_service, list_services
from infer_cli.errors import ContainerFailed, EngineError, NameTaken, PortTaken
from infer_cli.plan import labels
from infer_cli.plan.layout import CONTAINER_PORT, MOUNT_FOLDER
from infer_cli.reproducible_tar import fixed_entry

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path, PurePosixPath

    from docker.types import HostConfig

    from infer_cli.engine.connection import Engine
    from infer_cli.engine.services import Service
    from infer_cli.plan.run import ModelMount, RunPlan

_STOP_TIMEOUT_S = 10
_COMMAND_NOT_FOUND = 127
_PORT_TAKEN = re.compile(
    r"port is already allocated|address already in use|ports are not available", re.IGNORECASE
)
# Limits of a service's log: without them, a service that logs a lot fills the engine's disk.
_LOG_LIMITS = {"max-size": "10m", "max-file": "3"}
_NO_HEALTHCHECK = {"test": ["NONE"]}


def create_service(engine: Engine, plan: RunPlan) -> Service:
    """Create and start the container of `plan`, and return it as a service.

    Raises `NameTaken`, `PortTaken` or another `EngineError`. If the container cannot start, or infer is
    interrupted, the container is removed.
    """
    container_id = create_container(engine, plan)
    try:
        start_container(engine, plan, container_id)
        return inspect_service(engine, container_id)
    except BaseException:
        _stop_and_remove(engine, container_id, plan.name)
        raise


def create_container(engine: Engine, plan: RunPlan) -> str:
    """Create the container of `plan`, with the model mounted, and return its id.

    An engine on another machine gets a copy of the model folder in a new volume. Raises `NameTaken` or
    another `EngineError`. After an error or an interrupt, neither the container nor the volume is left.
    """
    volume, container_id = None, None
    try:
        if plan.model is not None and not engine.is_local:
            volume = _copy_model(engine, plan.image, plan.name, plan.model)
        with interrupts_deferred():
            container_id = _create(engine, plan, volume)
    except BaseException:
        if container_id is not None:
            _stop_and_remove(engine, container_id, plan.name)
        elif volume is not None:
            with translated(f"remove the volume of {plan.name}"):
                engine.api.remove_volume(volume, force=True)
        raise
    return container_id


def remove_service(engine: Engine, service: Service) -> None:
    """Stop the service, which first finishes its requests, and remove its container and volumes."""
    _stop_and_remove(engine, service.container_id, service.name)


def restart_container(engine: Engine, service: Service) -> None:
    """Stop the service, which first finishes its requests, and start the same container again."""
    with translated(f"restart {service.name}"):
        engine.api.restart(service.container_id, timeout=_STOP_TIMEOUT_S)


def set_aside(engine: Engine, service: Service, name: str) -> None:
    """Stop the service and give its container another name, so that its own name and its port are free."""
    with translated(f"set {service.name} aside"):
        engine.api.stop(service.container_id, timeout=_STOP_TIMEOUT_S)
        engine.api.rename(service.container_id, name)


def put_back(engine: Engine, service: Service) -> None:
    """Give a service that was set aside its name again, and start it if it ran before."""
    from docker.errors import APIError  # noqa: PLC0415 (slow to import)

    with translated(f"put {service.name} back"):
        # The engine refuses to give a container the name that it has, if it was not renamed yet.
        with suppress(APIError):
            engine.api.rename(service.container_id, service.name)
        if service.is_running:
            engine.api.start(service.container_id)


def run_in_temporary_container(engine: Engine, image: str, command: Sequence[str]) -> tuple[int, str]:
    """Run `command` in a new container of `image`, and return its exit code and its output.

    The container has no network and a read-only root file system, and is removed afterwards. If the image
    lacks the program, the exit code is 127, as in a shell.
    """
    from docker.errors import APIError  # noqa: PLC0415 (slow to import)

    with translated(f"run {command[0]} in {image}"):
        host = engine.api.create_host_config(network_mode="none", cap_drop=["ALL"], read_only=True)
        with temporary_container(
            engine, image, list(command), entrypoint=[], host_config=host
        ) as container_id:
            try:
                engine.api.start(container_id)
                status = engine.api.wait(container_id)["StatusCode"]
                return int(status), engine.api.logs(container_id).decode(errors="replace")
            except APIError as error:
                if "executable file not found" in explanation(error) or "no such file" in explanation(error):
                    return _COMMAND_NOT_FOUND, explanation(error)
                raise


@contextmanager
def temporary_container(
    engine: Engine,
    image: str,
    command: list[str] | None = None,
    *,
    entrypoint: list[str] | None = None,
    host_config: HostConfig | None = None,
) -> Iterator[str]:
    """Create a container of `image`, which is not started; yields its id, and removes it after the block.

    `entrypoint` replaces the entry point of the image; None keeps it.
    """
    container_id = None
    try:
        with interrupts_deferred():
            created = engine.api.create_container(
                image,
                command,
                entrypoint=entrypoint,
                host_config=host_config,
                labels={labels.TEMPORARY: ""},
            )
            container_id = str(created["Id"])
        yield container_id
    finally:
        if container_id is not None:
            engine.api.remove_container(container_id, force=True, v=True)


def copy_from_image(engine: Engine, image: str, path: PurePosixPath, target: Path) -> None:
    """Copy the file at `path` in an image to `target`; raises `EngineError` if `path` is not a file."""
    with (
        translated(f"copy {path} out of {image}"),
        temporary_container(engine, image, ["true"]) as container_id,
    ):
        chunks, _ = engine.api.get_archive(container_id, str(path))
        archive = io.BytesIO(b"".join(chunks))
    with tarfile.open(fileobj=archive) as tar:
        member = tar.extractfile(path.name)
        if member is None:
            raise EngineError(f"{path} in the image {image} is not a file")
        target.write_bytes(member.read())


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
    in_its_place = "put the new service in its place with --replace, " if is_ours else ""
    return NameTaken(
        f"a container called {name!r} exists already",
        hint=f"{in_its_place}choose another --name, or remove the existing container: `{command}`",
    )


def _host_config(engine: Engine, plan: RunPlan, volume: str | None) -> HostConfig:
    from docker.types import LogConfig  # noqa: PLC0415 (slow to import)

    # A command's output is its result, which may be large: infer reads it from the attached stream instead.
    log = LogConfig(type="none") if plan.command else LogConfig(type="json-file", config=_LOG_LIMITS)
    limits, safety = plan.limits, plan.safety
    binds = None
    if plan.model is not None:
        mode = "rw" if plan.model.writable else "ro"
        binds = [f"{volume or plan.model.folder}:{MOUNT_FOLDER}:{mode}"]
    return engine.api.create_host_config(
        binds=binds,
        port_bindings={PORT: (plan.host_ip, plan.host_port)} if plan.host_port else None,
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
    """Copy the model folder into a new volume of an engine on another machine; returns the volume's name."""
    volume = None
    with translated(f"copy {model.folder} to the engine"), tempfile.TemporaryFile() as archive:
        _pack_folder(model.folder, archive)
        archive.seek(0)
        # A random suffix: a service of the same name may be running and use its own volume.
        name = f"infer-model-{service}-{uuid.uuid4().hex[:12]}"
        try:
            with interrupts_deferred():
                volume = str(engine.api.create_volume(name, labels={labels.VOLUME_OF: service})["Name"])
            # The engine's API reaches a volume only through a container that mounts it. This one never runs.
            host = engine.api.create_host_config(binds=[f"{volume}:{MOUNT_FOLDER}"], network_mode="none")
            with temporary_container(engine, image, host_config=host) as container_id:
                engine.api.put_archive(container_id, str(MOUNT_FOLDER), archive)
        except BaseException:
            if volume is not None:
                engine.api.remove_volume(volume, force=True)
            raise
    return volume


def _pack_folder(folder: Path, target: IO[bytes]) -> None:
    """Write `folder` to `target` as a tar archive whose entries every user can read."""
    with tarfile.open(fileobj=target, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for path in sorted(folder.rglob("*")):
            relative = path.relative_to(folder).as_posix()
            if path.is_dir():
                tar.addfile(fixed_entry(relative, size=None))
            elif path.is_file():
                with path.open("rb") as content:
                    tar.addfile(fixed_entry(relative, size=path.stat().st_size), content)


def kill_container(engine: Engine, name: str) -> None:
    """Remove a container at once, with its volumes; does nothing if it does not exist."""
    with translated(f"remove {name}"):
        _remove_with_volumes(engine, name, name)


def _stop_and_remove(engine: Engine, container_id: str, name: str) -> None:
    from docker.errors import NotFound  # noqa: PLC0415 (slow to import)

    with translated(f"stop {name}"):
        with suppress(NotFound):
            engine.api.stop(container_id, timeout=_STOP_TIMEOUT_S)
        _remove_with_volumes(engine, container_id, name)


def _remove_with_volumes(engine: Engine, container: str, name: str) -> None:
    """Remove a container, given by id or name, and the volumes of the service or task called `name`."""
    from docker.errors import APIError, NotFound  # noqa: PLC0415 (slow to import)

    with suppress(NotFound):
        engine.api.remove_container(container, force=True, v=True)
    with translated(f"remove the volume of {name}"):
        found = engine.api.volumes(filters={"label": f"{labels.VOLUME_OF}={name}"})
        for volume in found.get("Volumes") or ():
            try:
                engine.api.remove_volume(volume["Name"], force=True)
            except APIError as error:
                # Another container of the same name has it: one of the two takes the place of the other.
                if error.status_code != 409:  # noqa: PLR2004 (HTTP's Conflict)
                    raise
