"""`infer run`: starts a service, and waits until it is ready."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from infer_cli.errors import ContainerFailed, Interrupted, ModelError, PortTaken, UsageError
from infer_cli.image.name import ImageName
from infer_cli.plan import labels
from infer_cli.plan.layout import BAKED_FOLDER
from infer_cli.plan.run import DEFAULT_HOST_IP, Limits, RunPlan, Safety
from infer_cli.plan.trust import parse_trust, trust_of_label
from infer_cli.terminal import output
from infer_cli.terminal.options import (
    AsJson,
    ImageTag,
    ModelFile,
    ModelFolder,
    Trust,
    UserId,
    Workers,
    host_option,
    port_option,
)
from infer_cli.terminal.progress import show_progress

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infer_cli.engine.connection import Engine
    from infer_cli.engine.images import ImageFacts
    from infer_cli.engine.services import Service
    from infer_cli.plan.run import ModelMount

_DEFAULT_PORT = 5000
_PORTS_TRIED = 50
_WRONG_PROCESSOR = "exec format error"
_PULLS = ("missing", "always", "never")
_RESTARTS = ("no", "on-failure", "always", "unless-stopped")


def run(  # noqa: PLR0913 (each is an option of the command)
    tag: ImageTag,
    *,
    model_dir: ModelFolder = None,
    model_file: ModelFile = None,
    detach: Annotated[bool, typer.Option("--detach", "-d", help="Return when the service is ready.")] = False,
    port: Annotated[
        int | None,
        port_option(f"The port on this machine.  [default: {_DEFAULT_PORT}, or the next free one]"),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="The name of the service.  [default: the image's name]"),
    ] = None,
    env: Annotated[
        list[str] | None,
        typer.Option("--env", "-e", metavar="NAME=VALUE", help="A setting; may be repeated."),
    ] = None,
    memory: Annotated[
        str | None,
        typer.Option(metavar="SIZE", help="At most this much memory, for example 512m."),
    ] = None,
    cpus: Annotated[
        float | None,
        typer.Option(metavar="N", min=0.01, help="At most this many processors."),
    ] = None,
    workers: Workers = None,
    restart: Annotated[
        str, typer.Option(metavar="WHEN", help=f"Start again: {', '.join(_RESTARTS)}.")
    ] = "no",
    timeout: Annotated[
        float, typer.Option(metavar="SECONDS", help="How long to wait until it is ready.")
    ] = 120,
    host: Annotated[
        str, host_option("The address to publish on; 0.0.0.0 opens it to the network.")
    ] = DEFAULT_HOST_IP,
    user: UserId = None,
    processes: Annotated[
        int, typer.Option(metavar="N", help="At most this many processes and threads; -1: any number.")
    ] = 2048,
    cap_add: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Give back a capability; may be repeated.")
    ] = None,
    writable: Annotated[
        bool, typer.Option("--writable", help="Let it write to its own file system.")
    ] = False,
    writable_model: Annotated[
        bool, typer.Option("--writable-model", help="Mount the model folder writable.")
    ] = False,
    new_privileges: Annotated[
        bool, typer.Option("--new-privileges", help="Let programs gain privileges.")
    ] = False,
    pull: Annotated[
        str, typer.Option(metavar="WHEN", help=f"Pull the image: {', '.join(_PULLS)}.")
    ] = "missing",
    trust: Trust = None,
    as_json: AsJson = False,
) -> None:
    """Start a service and wait until it is ready.

    In the foreground it shows the log, and Ctrl-C stops and removes the service; with -d it returns.
    """
    from infer_cli.engine.connection import connect  # noqa: PLC0415 (keeps `infer --help` quick)
    from infer_cli.running.model_mount import mount_model, user_for  # noqa: PLC0415

    image_name = ImageName.parse(tag, allow_digest=True)
    if pull not in _PULLS:
        raise UsageError(f"--pull {pull} is not known", hint=f"choose one of {', '.join(_PULLS)}")
    if restart not in _RESTARTS:
        raise UsageError(f"--restart {restart} is not known", hint=f"choose one of {', '.join(_RESTARTS)}")
    if restart != "no" and not detach:
        raise UsageError("--restart needs -d: in the foreground the service ends with this command")
    environment = _environment(env or [], workers)
    chosen = parse_trust(trust or ())
    model = mount_model(model_dir, model_file, writable=writable_model)
    engine = connect()
    image = _image(engine, image_name, pull)
    _check_image(image_name, image, model)
    if model is not None and model_dir is not None:
        _check_versions(image_name, image, model, model_dir)
    trusted = _check_model(model, image, chosen)
    plan = RunPlan(
        image=str(image_name),
        name=name or _free_name(engine, image_name.short_name),
        host_port=port or _DEFAULT_PORT,
        model=model,
        host_ip=host,
        environment=environment,
        limits=Limits(memory=memory, cpus=cpus, processes=processes),
        safety=Safety(
            user=user or user_for(model, engine_is_local=engine.is_local),
            read_only=not writable,
            added_capabilities=tuple(cap_add or ()),
            new_privileges=new_privileges,
        ),
        restart=restart,
        trusted=trusted,
    )
    with _processor_named(engine, image_name, image):
        service = _start(engine, plan, chosen_port=port)
        try:
            _announce(engine, service, timeout_s=timeout, as_json=as_json, detach=detach)
        except BaseException:
            _clean_up(engine, service)
            raise
    if not detach:
        _follow(engine, service)


def _environment(given: list[str], workers: int | None) -> dict[str, str]:
    found: dict[str, str] = {}
    for entry in given:
        key, equals, value = entry.partition("=")
        if not equals or not key:
            raise UsageError(f"--env {entry} is not a setting", hint="write it as NAME=VALUE")
        found[key] = value
    if workers is not None:
        found["WORKERS"] = str(workers)
    return found


def _image(engine: Engine, name: ImageName, pull: str) -> ImageFacts:
    """The image, pulled if that is asked for, or if it is missing and a registry could have it."""
    from infer_cli.engine.images import find_image, pull_image, require_image  # noqa: PLC0415 (see above)

    found = find_image(engine, str(name)) if pull == "missing" else None
    if found is not None:
        return found
    if pull == "never" or (pull == "missing" and not name.can_be_pulled):
        return require_image(engine, name)
    with show_progress() as progress:
        progress.stage(f"Pulling {name} from {name.host}")
        return pull_image(engine, str(name), platform=None, on_event=progress.on_event)


def _check_image(name: ImageName, image: ImageFacts, model: ModelMount | None) -> None:
    if not image.is_service:
        message = f"the image {name} was not made by infer"
        raise UsageError(
            message, hint="build one for your model: `infer build --tag NAME:TAG --model-dir DIR`"
        )
    baked = image.environment.get("MODEL_FILE", "").startswith(f"{BAKED_FOLDER}/")
    if model is None and not baked:
        raise UsageError(
            f"the image {name} has no model inside",
            hint=f"say where the model is: `infer run {name} --model-dir DIR`",
        )


def _check_versions(name: ImageName, image: ImageFacts, model: ModelMount, folder: Path) -> None:
    """Refuse a model that another scikit-learn wrote: its answers could be wrong without a sign."""
    pins = dict(
        pin.split("==", 1) for pin in image.labels.get(labels.REQUIREMENTS, "").split() if "==" in pin
    )
    found = pins.get("scikit-learn")
    written = model.inspection.sklearn_version if model.inspection else None
    if pins and written and not found:
        raise ModelError(
            f"{model.file} needs scikit-learn, and the image {name} has none: it is for models without it",
            hint="leave out --model-dir if a model is inside, name a folder with the compiled or ONNX model, "
            f"or build one that fits: `infer build --tag NAME:TAG --model-dir {folder}`",
        )
    if found and written and found != written:
        raise ModelError(
            f"{model.file} was written with scikit-learn {written}, and the image {name} has {found}",
            hint=f"build one that fits: `infer build --tag {name.name}:{name.tag} --model-dir {folder}`",
        )


def _check_model(model: ModelMount | None, image: ImageFacts, chosen: tuple[str, ...]) -> tuple[str, ...]:
    """Refuse a model that names what neither the image nor the user trusts; give what both trust together."""
    from infer_cli.inspection import require_safe  # noqa: PLC0415 (keeps `infer --help` quick)

    trusted = tuple(sorted({*chosen, *trust_of_label(image.labels.get(labels.TRUST))}))
    if model is not None and model.inspection is not None:
        require_safe(model.inspection, trusted)
    return trusted


def _free_name(engine: Engine, wanted: str) -> str:
    """The image's name, or with a number behind it if a service has that already.

    A container's name has two letters at least.
    """
    from infer_cli.engine.services import container_names  # noqa: PLC0415 (keeps `infer --help` quick)

    taken = container_names(engine)
    number = 1
    name = wanted
    while name in taken or len(name) == 1:
        number += 1
        name = f"{wanted}-{number}"
    return name


def _start(engine: Engine, plan: RunPlan, *, chosen_port: int | None) -> Service:
    """Start the service on the port that the user chose, or on the first that is free."""
    from infer_cli.engine.containers import create_service  # noqa: PLC0415 (see above)
    from infer_cli.engine.services import holder_of_port  # noqa: PLC0415 (see above)
    from infer_cli.running.ports import process_on_port  # noqa: PLC0415

    first = chosen_port or _DEFAULT_PORT
    for port in range(first, min(first + _PORTS_TRIED, 65536)):
        try:
            service = create_service(engine, plan.at_port(port))
        except PortTaken as error:
            if chosen_port is None:
                continue
            holder = holder_of_port(engine, port) or (engine.is_local and process_on_port(port))
            if holder:
                error.message = f"port {port} is taken by {holder}"
            error.hint = "choose another --port, or leave it out to get a free one"
            raise
        if port != first:
            output.note(f"port {first} is taken; using {port}")
        return service
    message = f"the ports {first} to {first + _PORTS_TRIED - 1} are all taken"
    raise PortTaken(message, hint="choose a free one with --port")


@contextmanager
def _processor_named(engine: Engine, name: ImageName, image: ImageFacts) -> Iterator[None]:
    """Say so if the service cannot start because its programs are for another processor.

    An engine with emulation can start them, so that it has to be tried.
    """
    try:
        yield
    except ContainerFailed as error:
        said = f"{error.message}\n{error.detail}"
        if image.architecture == engine.architecture or _WRONG_PROCESSOR not in said:
            raise
        raise ContainerFailed(
            f"the image {name} is for {image.architecture}, and this engine for {engine.architecture}",
            hint=f"build one for it: `infer build --platform linux/{engine.architecture} …`",
        ) from error


def _announce(engine: Engine, service: Service, *, timeout_s: float, as_json: bool, detach: bool) -> None:
    """Wait until the service is ready, and say where."""
    from infer_cli.client.service_client import ServiceClient  # noqa: PLC0415 (see above)
    from infer_cli.running.readiness import service_url, wait_until_ready  # noqa: PLC0415

    with show_progress() as progress:
        progress.stage(f"Waiting until {service.name} is ready")
        wait_until_ready(engine, service, timeout_s=timeout_s)
    url = service_url(engine, service)
    record: dict[str, object] = {"name": service.name, "id": service.container_id, "url": url}
    if url is None:
        port = service.host_port
        text = (
            f"{service.name} is ready on {engine.endpoint.engine_host}, published for that machine only.\n"
            f"Reach it from here with: ssh -N -L {port}:127.0.0.1:{port} {engine.endpoint.engine_host}\n"
            f"or start it with --host 0.0.0.0 to open it to the network."
        )
    else:
        example = url + ServiceClient(url).model().example
        record["example"] = example
        text = f"{service.name} is ready at {url}\nTry it: curl '{example}'"
    if detach:
        text += "\n" + "    ".join(
            f"{what}: infer {command} {service.name}"
            for what, command in (("Log", "logs"), ("Shell", "exec"), ("Stop", "stop"))
        )
    else:
        text += "\nCtrl-C stops and removes it."
    output.show(text, record, as_json=as_json)


def _follow(engine: Engine, service: Service) -> None:
    """Show the log until the service ends or is interrupted, and remove it."""
    from infer_cli.engine.services import inspect_service, stream_logs  # noqa: PLC0415 (see above)

    try:
        for chunk in stream_logs(engine, service, follow=True):
            # The log is not the result: with --json, stdout holds one object only.
            sys.stderr.buffer.write(chunk)
            sys.stderr.buffer.flush()
        ended = inspect_service(engine, service.container_id)
    except KeyboardInterrupt:
        output.note(f"\nStopping {service.name}")
        raise Interrupted(f"stopped and removed {service.name}") from None
    finally:
        _clean_up(engine, service)
    raise ContainerFailed(
        f"the service {service.name} ended by itself ({ended.end_reason})",
        hint="the reason is in the log above",
    )


def _clean_up(engine: Engine, service: Service) -> None:
    """Remove the service, even if Ctrl-C is pressed again meanwhile."""
    from infer_cli.engine.containers import remove_service  # noqa: PLC0415 (see above)

    try:
        remove_service(engine, service)
    except KeyboardInterrupt:
        output.note("one moment: still removing it")
        remove_service(engine, service)
