"""Containers on the engine: created, started and removed, for services and for commands of infer."""

from __future__ import annotations

import io
import re
import tarfile
import tempfile
import time
import uuid
from contextlib import contextmanager, suppress
from typing import IO, TYPE_CHECKING, Any

from infer_cli import tokens
from infer_cli.engine.connection import explanation, translated
from infer_cli.engine.interrupts import interrupts_deferred
from infer_cli.engine.services import PORT, inspect_service, list_services
from infer_cli.errors import ContainerFailed, EngineError, EngineUnavailable, NameTaken, PortTaken
from infer_cli.plan import labels
from infer_cli.plan.layout import ACCESS_FOLDER, CONTAINER_PORT, MOUNT_FOLDER
from infer_cli.reproducible_tar import fixed_entry

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path, PurePosixPath

    from docker.types import HostConfig

    from infer_cli.engine.connection import Engine
    from infer_cli.engine.services import Service
    from infer_cli.plan.run import RunPlan

_STOP_TIMEOUT_S = 10
_COMMAND_NOT_FOUND = 127
# How long infer looks for a container whose creation was asked for, and not answered.
_LOST_ANSWER_S = 2.0
# How long a removal may take that an earlier request, whose answer was lost, has begun.
_REMOVAL_S = 30.0
_POLL_S = 0.2
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

    An engine on another machine gets copies of folders in new volumes. Raises `NameTaken` or another
    `EngineError`. After an error or an interrupt, neither the container nor a volume is left.
    """
    volumes: list[str] = []
    container_id = None
    try:
        binds = []
        for source, target, mode in _mounts(plan):
            if not engine.is_local:
                volumes.append(_copy_folder(engine, plan, source, target))
            binds.append(f"{source if engine.is_local else volumes[-1]}:{target}:{mode}")
        with interrupts_deferred():
            container_id = _create(engine, plan, binds)
    except BaseException:
        if container_id is not None:
            _stop_and_remove(engine, container_id, plan.name)
        for volume in volumes if container_id is None else ():
            with translated(f"remove the volume of {plan.name}"):
                engine.api.remove_volume(volume, force=True)
        raise
    return container_id


def _mounts(plan: RunPlan) -> list[tuple[Path, PurePosixPath, str]]:
    """The folders of this machine that the container sees, each with its place there and its mode."""
    found = []
    if plan.model is not None:
        found.append((plan.model.folder, MOUNT_FOLDER, "rw" if plan.model.writable else "ro"))
    if plan.access_folder is not None:
        found.append((plan.access_folder, ACCESS_FOLDER, "ro"))
    return found


def remove_service(engine: Engine, service: Service) -> None:
    """Stop the service, which first finishes its requests, and remove its container, volumes and tokens."""
    _stop_and_remove(engine, service.container_id, service.name)
    forget_tokens(engine, service.access)


def forget_tokens(engine: Engine, access: str | None) -> None:
    """Remove tokens from this machine, unless a service has them, such as one that takes another's place."""
    if access and all(one.access != access for one in list_services(engine)):
        tokens.forget(access)


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
        with interrupts_deferred(), _found_if_lost(engine) as creation:
            created = engine.api.create_container(
                image,
                command,
                entrypoint=entrypoint,
                host_config=host_config,
                labels={labels.TEMPORARY: "", **creation},
            )
            container_id = str(created["Id"])
        yield container_id
    finally:
        if container_id is not None:
            with interrupts_deferred():
                _remove(engine, container_id)


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


def _create(engine: Engine, plan: RunPlan, binds: list[str]) -> str:
    from docker.errors import APIError, ImageNotFound  # noqa: PLC0415 (slow to import)

    with translated(f"create the container {plan.name}"), _found_if_lost(engine) as creation:
        try:
            created = engine.api.create_container(
                plan.image,
                name=plan.name,
                environment=plan.all_environment,
                labels={**plan.labels, **creation},
                user=plan.safety.user,
                ports=[CONTAINER_PORT],
                command=list(plan.command) or None,
                stdin_open=bool(plan.command),
                healthcheck=_NO_HEALTHCHECK if plan.command else None,
                host_config=_host_config(engine, plan, binds),
            )
        except ImageNotFound as error:
            raise EngineError(f"the image {plan.image} is gone") from error
        except APIError as error:
            if error.status_code == 409 and "already in use" in explanation(error):  # noqa: PLR2004 (HTTP's Conflict)
                raise _name_taken(engine, plan.name) from error
            raise
    return str(created["Id"])


@contextmanager
def _found_if_lost(engine: Engine) -> Iterator[dict[str, str]]:
    """Yield labels for a container; if the engine's answer to its creation is lost, remove the container."""
    import requests  # noqa: PLC0415 (slow to import)

    word = uuid.uuid4().hex
    try:
        yield {labels.CREATION: word}
    except (requests.exceptions.RequestException, EngineUnavailable):
        # The engine may still be at it.
        deadline = time.monotonic() + _LOST_ANSWER_S
        while time.monotonic() < deadline:
            for found in engine.api.containers(all=True, filters={"label": f"{labels.CREATION}={word}"}):
                _remove(engine, found["Id"])
                deadline = 0
            time.sleep(_POLL_S)
        raise


def _name_taken(engine: Engine, name: str) -> NameTaken:
    is_ours = any(service.name == name for service in list_services(engine))
    command = f"infer stop {name}" if is_ours else f"docker rm -f {name}"
    in_its_place = "put the new service in its place with --replace, " if is_ours else ""
    return NameTaken(
        f"a container called {name!r} exists already",
        hint=f"{in_its_place}choose another --name, or remove the existing container: `{command}`",
    )


def _host_config(engine: Engine, plan: RunPlan, binds: list[str]) -> HostConfig:
    from docker.types import LogConfig  # noqa: PLC0415 (slow to import)

    # A command's output is its result, which may be large: infer reads it from the attached stream instead.
    log = LogConfig(type="none") if plan.command else LogConfig(type="json-file", config=_LOG_LIMITS)
    limits, safety = plan.limits, plan.safety
    return engine.api.create_host_config(
        binds=binds or None,
        port_bindings={PORT: (plan.host_ip, plan.host_port)} if plan.host_port else None,
        network_mode=None if plan.host_port or plan.has_egress else "none",
        read_only=safety.read_only,
        tmpfs={"/tmp": "rw,nosuid,nodev,noexec,size=64m"},  # noqa: S108 (inside the container)
        cap_drop=["ALL"],
        cap_add=list(safety.added_capabilities),
        security_opt=None if safety.new_privileges else ["no-new-privileges"],
        pids_limit=limits.processes,
        mem_limit=limits.memory,
        memswap_limit=limits.memory,
        nano_cpus=round(limits.cpus * 1e9) if limits.cpus else None,
        log_config=log,
    )


def keep_running(engine: Engine, service: Service, policy: str) -> None:
    """Let the engine start a service again by this policy.

    Not before it is ready: a service that cannot start would else be started again and again, and what it
    says of that would be lost.
    """
    if policy != "no":
        wanted: Any = {"Name": policy, "MaximumRetryCount": 0}
        with translated(f"let the engine start {service.name} again when it ends"):
            engine.api.update_container(service.container_id, restart_policy=wanted)


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


def _copy_folder(engine: Engine, plan: RunPlan, folder: Path, target: PurePosixPath) -> str:
    """Copy a folder into a new volume of an engine on another machine; returns the volume's name."""
    from docker.errors import NotFound  # noqa: PLC0415 (slow to import)

    with translated(f"copy {folder} to the engine"), tempfile.TemporaryFile() as archive:
        _pack_folder(folder, archive)
        archive.seek(0)
        # A random suffix: a service of the same name may be running and use its own volume.
        kind = "model" if target == MOUNT_FOLDER else "access"
        volume = f"infer-{kind}-{plan.name}-{uuid.uuid4().hex[:12]}"
        try:
            with interrupts_deferred():
                engine.api.create_volume(volume, labels={labels.VOLUME_OF: plan.name})
            # The engine's API reaches a volume only through a container that mounts it. This one never runs.
            host = engine.api.create_host_config(binds=[f"{volume}:{target}"], network_mode="none")
            with temporary_container(engine, plan.image, host_config=host) as container_id:
                engine.api.put_archive(container_id, str(target), archive)
        except BaseException:
            with suppress(NotFound):
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

    try:
        with translated(f"stop {name}"):
            with suppress(NotFound):
                engine.api.stop(container_id, timeout=_STOP_TIMEOUT_S)
            _remove_with_volumes(engine, container_id, name)
    except EngineUnavailable as error:
        error.message += f"; {name} may be left"
        error.hint = f"once the engine answers again, remove it: `docker rm -fv {name}`"
        raise


def _remove(engine: Engine, container: str) -> None:
    """Remove a container, given by id or name, and wait for a removal that is in progress."""
    from docker.errors import APIError, NotFound  # noqa: PLC0415 (slow to import)

    deadline = time.monotonic() + _REMOVAL_S
    while True:
        try:
            engine.api.remove_container(container, force=True, v=True)
        except NotFound:
            return
        except APIError as error:
            if "is already in progress" not in explanation(error) or time.monotonic() > deadline:
                raise
            time.sleep(_POLL_S)
        else:
            return


def _remove_with_volumes(engine: Engine, container: str, name: str) -> None:
    """Remove a container, given by id or name, and the volumes of the service or task called `name`."""
    from docker.errors import APIError  # noqa: PLC0415 (slow to import)

    _remove(engine, container)
    with translated(f"remove the volume of {name}"):
        found = engine.api.volumes(filters={"label": f"{labels.VOLUME_OF}={name}"})
        for volume in found.get("Volumes") or ():
            try:
                engine.api.remove_volume(volume["Name"], force=True)
            except APIError as error:
                # Another container of the same name has it: one of the two takes the place of the other.
                if error.status_code != 409:  # noqa: PLR2004 (HTTP's Conflict)
                    raise
