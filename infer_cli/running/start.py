"""Starts a service: chooses its name and port, and removes it if it does not become ready."""

from __future__ import annotations

import shlex
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from infer_cli import certificates, tokens
from infer_cli.engine.containers import create_service, forget_tokens, remove_service
from infer_cli.engine.services import container_names, holder_of_port
from infer_cli.errors import ContainerFailed, PortTaken
from infer_cli.plan.run import DEFAULT_HOST_IP, DEFAULT_PORT, Limits, RunPlan, Safety
from infer_cli.running.image_checks import (
    check_egress,
    check_image,
    check_trust,
    check_versions,
    find_or_pull,
)
from infer_cli.running.model_mount import user_for
from infer_cli.running.ports import process_on_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from infer_cli.certificates import Pair
    from infer_cli.engine.connection import Engine
    from infer_cli.engine.images import ImageFacts
    from infer_cli.engine.services import Service
    from infer_cli.image.name import ImageName
    from infer_cli.plan.run import ModelMount
    from infer_cli.terminal.progress import Progress

_PORTS_TRIED = 50
# The message of the Linux kernel for a program of another processor.
_WRONG_PROCESSOR = "exec format error"
_HIGHEST_PORT = 65535


@dataclass(frozen=True)
class RunRequest:
    """A service as the user wants it; infer chooses where a value is None.

    `model_folder` is the model folder as the user wrote it, for messages. `fingerprint` is a digest of all
    that the user asked for, by which `infer up` knows the service again. With `has_tokens`, the service asks
    for tokens that infer makes, and with a `certificate` it speaks TLS.
    """

    image: ImageName
    model: ModelMount | None = None
    model_folder: Path | None = None
    pull: str = "missing"
    name: str | None = None
    port: int | None = None
    host_ip: str = DEFAULT_HOST_IP
    environment: dict[str, str] = field(default_factory=dict)
    limits: Limits = field(default_factory=Limits)
    safety: Safety = field(default_factory=Safety)
    restart: str = "no"
    trusted: tuple[str, ...] = ()
    fingerprint: str | None = None
    has_tokens: bool = False
    certificate: Pair | None = None


@dataclass(frozen=True)
class PreparedRun:
    """The plan of a run, and the image as the engine describes it.

    With `is_port_chosen`, the service listens on the port of the plan or not at all.
    """

    plan: RunPlan
    image_name: str
    image: ImageFacts
    is_port_chosen: bool


def prepare_run(
    engine: Engine, request: RunRequest, progress: Progress, *, old: Service | None = None
) -> PreparedRun:
    """Choose everything that the request leaves open, and check that image and model go together.

    A service that takes the place of an `old` one gets its name, its tokens, and its port unless one was
    chosen; both have the certificate of the request.
    Raises `ImageNotFound`, `ModelError` or `UsageError`.
    """
    image = find_or_pull(engine, request.image, request.pull, progress)
    check_image(request.image, image, request.model)
    if request.model is not None and request.model_folder is not None:
        check_versions(request.image, image, request.model, request.model_folder)
    trusted = check_trust(request.model, image, request.trusted)
    check_egress(request.image, image, request.environment)
    short_name = request.image.short_name
    access = _make_access(request, old.access if old else None)
    user = request.safety.user or user_for(request.model, engine_is_local=engine.is_local)
    plan = RunPlan(
        image=str(request.image),
        name=old.name if old else request.name or free_name(short_name, container_names(engine)),
        host_port=request.port or (old and old.host_port) or DEFAULT_PORT,
        model=request.model,
        host_ip=request.host_ip,
        environment=request.environment,
        limits=request.limits,
        safety=replace(request.safety, user=user),
        restart=request.restart,
        trusted=trusted,
        fingerprint=request.fingerprint,
        access=access,
        access_folder=tokens.shared_folder(access) if access else None,
        has_tokens=request.has_tokens,
        has_certificate=request.certificate is not None,
    )
    return PreparedRun(plan, str(request.image), image, is_port_chosen=request.port is not None)


def _make_access(request: RunRequest, old: str | None) -> str | None:
    """The id of the folder with what the service needs to speak TLS and to ask for tokens."""
    access = tokens.make_sure(old) if request.has_tokens else None
    if request.certificate is not None:
        access = access or old or tokens.new_id()
        certificates.put(access, request.certificate)
    return access


@contextmanager
def started_service(engine: Engine, run: PreparedRun, *, note: Callable[[str], None]) -> Iterator[Service]:
    """Start the service, and remove it if the block raises an error or is interrupted.

    `note` gets what the user should know besides the result. Raises `PortTaken`, `NameTaken` or
    `ContainerFailed`.
    """
    with _wrong_processor_explained(engine, run):
        try:
            service = _start(engine, run, note)
        except BaseException:
            forget_tokens(engine, run.plan.access)
            raise
        try:
            yield service
        except BaseException:
            remove_for_sure(engine, service, note=note)
            raise


def remove_for_sure(engine: Engine, service: Service, *, note: Callable[[str], None]) -> None:
    """Remove the service, even if Ctrl-C is pressed again meanwhile."""
    try:
        remove_service(engine, service)
    except KeyboardInterrupt:
        note("one moment: still removing it")
        remove_service(engine, service)


def free_name(preferred: str, taken: set[str]) -> str:
    """The preferred name, with a number behind it if a container has that name already.

    The engine demands at least two characters, so that a name of one character gets a number too.
    """
    number = 1
    name = preferred
    while name in taken or len(name) == 1:
        number += 1
        name = f"{preferred}-{number}"
    return name


def _start(engine: Engine, run: PreparedRun, note: Callable[[str], None]) -> Service:
    """Start the service on the port that the user chose, or on the first of 50 ports that is free."""
    first = run.plan.host_port or DEFAULT_PORT
    for port in range(first, min(first + _PORTS_TRIED, _HIGHEST_PORT + 1)):
        try:
            service = create_service(engine, run.plan.at_port(port))
        except PortTaken as error:
            if not run.is_port_chosen:
                continue
            holder = holder_of_port(engine, port) or (engine.is_local and process_on_port(port))
            if holder:
                error.message = f"port {port} is taken by {holder}"
            error.hint = "choose another --port, or leave it out to get a free one"
            raise
        if port != first:
            note(f"port {first} is taken; using {port}")
        return service
    message = f"the ports {first} to {first + _PORTS_TRIED - 1} are all taken"
    raise PortTaken(message, hint="choose a free one with --port")


@contextmanager
def _wrong_processor_explained(engine: Engine, run: PreparedRun) -> Iterator[None]:
    """Explain the failure of a service whose programs are for another processor than the engine's.

    The architectures alone do not tell: an engine with emulation can run such programs.
    """
    try:
        yield
    except ContainerFailed as error:
        said = f"{error.message}\n{error.detail}"
        if run.image.architecture == engine.architecture or _WRONG_PROCESSOR not in said:
            raise
        raise ContainerFailed(
            f"the image {run.image_name} is for {run.image.architecture}, "
            f"and this engine for {engine.architecture}",
            hint=f"build one for it: `infer build {_model_path(run)} --platform linux/{engine.architecture}`",
        ) from error


def _model_path(run: PreparedRun) -> str:
    """The model of a run as a word of a command; MODEL if it is inside the image."""
    model = run.plan.model
    return shlex.quote(str(model.folder / model.file)) if model else "MODEL"
