"""`infer run`: starts a service, and waits until it is ready."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from infer_cli.errors import UsageError
from infer_cli.image.name import ImageName
from infer_cli.plan.run import DEFAULT_HOST_IP, DEFAULT_PORT, Limits, Safety
from infer_cli.plan.trust import parse_trust
from infer_cli.terminal import output
from infer_cli.terminal.options import (
    AsJson,
    ImageTag,
    ModelFile,
    ModelFolder,
    OptionalFeatures,
    Trust,
    UserId,
    Workers,
    host_option,
    port_option,
)
from infer_cli.terminal.progress import show_progress

if TYPE_CHECKING:
    from infer_cli.engine.connection import Engine
    from infer_cli.engine.services import Service

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
        port_option(f"The port on this machine.  [default: {DEFAULT_PORT}, or the next free one]"),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="The name of the service.  [default: the image's name]"),
    ] = None,
    env: Annotated[
        list[str] | None,
        typer.Option("--env", "-e", metavar="NAME=VALUE", help="A setting of the service; may be repeated."),
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
        str,
        typer.Option(metavar="WHEN", help=f"When to restart the service: {', '.join(_RESTARTS)}."),
    ] = "no",
    timeout: Annotated[
        float, typer.Option(metavar="SECONDS", help="How long to wait until the service is ready.")
    ] = 120,
    host: Annotated[
        str, host_option("The address to publish on; 0.0.0.0 opens it to the network.")
    ] = DEFAULT_HOST_IP,
    user: UserId = None,
    processes: Annotated[
        int, typer.Option(metavar="N", help="At most this many processes and threads; -1: any number.")
    ] = 2048,
    cap_add: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Add a Linux capability; may be repeated.")
    ] = None,
    writable: Annotated[
        bool, typer.Option("--writable", help="Let the service write to the file system of its container.")
    ] = False,
    writable_model: Annotated[
        bool, typer.Option("--writable-model", help="Mount the model folder writable.")
    ] = False,
    new_privileges: Annotated[
        bool, typer.Option("--new-privileges", help="Let programs in the container gain privileges.")
    ] = False,
    pull: Annotated[
        str, typer.Option(metavar="WHEN", help=f"When to pull the image: {', '.join(_PULLS)}.")
    ] = "missing",
    trust: Trust = None,
    optional: OptionalFeatures = None,
    as_json: AsJson = False,
) -> None:
    """Start a service and wait until it is ready.

    In the foreground, the command shows the log, and Ctrl-C stops and removes the service. With -d, the
    command returns when the service is ready.
    """
    from infer_cli.engine.connection import connect  # noqa: PLC0415 (keeps `infer --help` quick)
    from infer_cli.inspection import declared_by_options  # noqa: PLC0415
    from infer_cli.running.foreground import follow_service  # noqa: PLC0415
    from infer_cli.running.model_mount import mount_model  # noqa: PLC0415
    from infer_cli.running.start import RunRequest, prepare_run, started_service  # noqa: PLC0415

    image_name = ImageName.parse(tag, allow_digest=True)
    _check_options(pull=pull, restart=restart, detach=detach)
    declared = declared_by_options(optional=optional)
    environment = _environment(env or [], workers, declared.optional)
    trusted = parse_trust(trust or ())
    request = RunRequest(
        image_name,
        model=mount_model(model_dir, model_file, writable=writable_model, declared=declared),
        model_folder=model_dir,
        pull=pull,
        name=name,
        port=port,
        host_ip=host,
        environment=environment,
        limits=Limits(memory=memory, cpus=cpus, processes=processes),
        safety=Safety(
            user=user,
            read_only=not writable,
            added_capabilities=tuple(cap_add or ()),
            new_privileges=new_privileges,
        ),
        restart=restart,
        trusted=trusted,
    )
    engine = connect()
    with show_progress() as progress:
        prepared = prepare_run(engine, request, progress)
    with started_service(engine, prepared, note=output.note) as service:
        _announce(engine, service, timeout_s=timeout, as_json=as_json, detach=detach)
    if not detach:
        follow_service(engine, service, write=_write_log, note=output.note)


def _check_options(*, pull: str, restart: str, detach: bool) -> None:
    if pull not in _PULLS:
        raise UsageError(f"--pull {pull} is not known", hint=f"choose one of {', '.join(_PULLS)}")
    if restart not in _RESTARTS:
        raise UsageError(f"--restart {restart} is not known", hint=f"choose one of {', '.join(_RESTARTS)}")
    if restart != "no" and not detach:
        raise UsageError("--restart needs -d: in the foreground the service ends with this command")


def _environment(given: list[str], workers: int | None, optional: tuple[str, ...]) -> dict[str, str]:
    """The environment variables of the service, by name."""
    found: dict[str, str] = {}
    for entry in given:
        key, equals, value = entry.partition("=")
        if not equals or not key:
            raise UsageError(f"--env {entry} is not a setting", hint="write it as NAME=VALUE")
        found[key] = value
    if workers is not None:
        found["WORKERS"] = str(workers)
    if optional:
        found["OPTIONAL_FEATURES"] = json.dumps(optional)
    return found


def _announce(engine: Engine, service: Service, *, timeout_s: float, as_json: bool, detach: bool) -> None:
    """Wait until the service is ready, and show where it answers."""
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


def _write_log(chunk: bytes) -> None:
    """Write to stderr: with --json, stdout holds one object only, and the log is not the result."""
    sys.stderr.buffer.write(chunk)
    sys.stderr.buffer.flush()
