"""`infer run`: starts a service, and waits until it is ready."""

from __future__ import annotations

import shlex
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from infer_cli.certificates import read_pair
from infer_cli.commands.started import describe_started
from infer_cli.errors import ModelUnreadable, UsageError
from infer_cli.image.name import ImageName
from infer_cli.plan.run import DEFAULT_HOST_IP, DEFAULT_PORT, Limits, Safety, needs_tokens
from infer_cli.plan.settings import (
    ALLOWED_HOSTS,
    CORS_ORIGINS,
    EGRESS,
    IN_BACKGROUND,
    IN_FOREGROUND,
    check_restart,
    environment_of,
)
from infer_cli.plan.trust import parse_trust
from infer_cli.terminal import output
from infer_cli.terminal.options import (
    AllowedHosts,
    AsJson,
    Auth,
    CorsOrigins,
    Egress,
    ImageTag,
    LogInputs,
    Memory,
    ModelFile,
    ModelFolder,
    OptionalFeatures,
    Processors,
    ReadyTimeout,
    Replace,
    RestartPolicy,
    ServiceName,
    Settings,
    TlsCertificate,
    TlsKey,
    Trust,
    UserId,
    Workers,
    host_option,
    port_option,
)
from infer_cli.terminal.progress import show_progress
from infer_cli.terminal.words import looks_like_model

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infer_cli.engine.connection import Engine
    from infer_cli.engine.services import Service
    from infer_cli.running.start import RunRequest
    from infer_cli.terminal.progress import Progress

_PULLS = ("missing", "always", "never")


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
    name: ServiceName = None,
    replace: Replace = False,
    env: Settings = None,
    memory: Memory = None,
    cpus: Processors = None,
    workers: Workers = None,
    restart: RestartPolicy = None,
    timeout: ReadyTimeout = 120,
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
    egress: Egress = False,
    auth: Auth = None,
    tls_cert: TlsCertificate = None,
    tls_key: TlsKey = None,
    allowed_host: AllowedHosts = None,
    cors_origin: CorsOrigins = None,
    log_inputs: LogInputs = None,
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
    _check_options(tag, pull=pull, restart=restart, detach=detach)
    lists = {ALLOWED_HOSTS: allowed_host, CORS_ORIGINS: cors_origin}
    environment = environment_of(env or [], workers, (), egress=egress, lists=lists, log_inputs=log_inputs)
    if new_privileges and environment.get(EGRESS) != "1":
        raise UsageError(
            "--new-privileges needs --egress: what closes the way out forbids new privileges as well"
        )
    image_name = ImageName.parse(tag, allow_digest=True)
    trusted = parse_trust(trust or ())
    with show_progress() as progress:
        progress.stage(f"Looking at {model_dir or image_name}")
        from infer_cli.engine.connection import connect  # noqa: PLC0415 (slow to import)
        from infer_cli.inspection import declared_by_options  # noqa: PLC0415
        from infer_cli.running.foreground import follow_service  # noqa: PLC0415
        from infer_cli.running.image_checks import member_inside  # noqa: PLC0415
        from infer_cli.running.model_mount import mount_model  # noqa: PLC0415
        from infer_cli.running.start import RunRequest  # noqa: PLC0415

        declared = declared_by_options(optional=optional)
        try:
            model = mount_model(model_dir, model_file, writable=writable_model, declared=declared)
        except ModelUnreadable:
            # The file may hold several objects, of which the image serves one.
            member = member_inside(connect, image_name, pull, progress)
            if member is None:
                raise
            declared = declared_by_options(optional=optional, member=member)
            model = mount_model(model_dir, model_file, writable=writable_model, declared=declared)
        request = RunRequest(
            image_name,
            model=model,
            model_folder=model_dir,
            pull=pull,
            name=name,
            port=port,
            host_ip=host,
            environment={**environment, **environment_of((), None, declared.optional)},
            limits=Limits(memory=memory, cpus=cpus, processes=processes),
            safety=Safety(
                user=user,
                read_only=not writable,
                added_capabilities=tuple(cap_add or ()),
                new_privileges=new_privileges,
            ),
            restart=restart or (IN_BACKGROUND if detach else IN_FOREGROUND),
            trusted=trusted,
            has_tokens=needs_tokens(host, environment, wanted=auth),
            certificate=read_pair(tls_cert, tls_key),
        )
        engine = connect()
        with _ready_service(engine, request, progress, replace=replace, timeout_s=timeout) as service:
            text, record = describe_started(engine, service, is_foreground=not detach)
    output.show(text, record, as_json=as_json)
    if not detach:
        follow_service(engine, service, write=_write_log, note=output.note)


@contextmanager
def _ready_service(
    engine: Engine, request: RunRequest, progress: Progress, *, replace: bool, timeout_s: float
) -> Iterator[Service]:
    """Start the service, in the place of one of the same name with `replace`, and wait until it is ready.

    A service that took no other one's place is removed if the block raises an error.
    """
    from infer_cli.engine.containers import keep_running  # noqa: PLC0415 (slow to import)
    from infer_cli.engine.services import list_services  # noqa: PLC0415
    from infer_cli.running.readiness import wait_until_ready  # noqa: PLC0415
    from infer_cli.running.replace import replace_service  # noqa: PLC0415
    from infer_cli.running.start import prepare_run, started_service  # noqa: PLC0415

    wanted = request.name or request.image.short_name
    old = next((one for one in list_services(engine) if one.name == wanted), None)
    prepared = prepare_run(engine, request, progress, old=old if replace else None)
    if old is not None and replace:
        yield replace_service(
            engine, prepared, old, timeout_s=timeout_s, progress=progress, note=progress.note
        )
        return
    if old is not None and request.name is None:
        progress.note(
            f"there is a service {old.name} already; this one is called {prepared.plan.name} "
            "(to put it in the other's place: --replace)"
        )
    progress.stage(f"Starting {prepared.plan.name}")
    with started_service(engine, prepared, note=progress.note) as service:
        progress.stage(f"Waiting until {service.name} is ready")
        wait_until_ready(engine, service, timeout_s=timeout_s)
        keep_running(engine, service, prepared.plan.restart)
        yield service


def _check_options(tag: str, *, pull: str, restart: str | None, detach: bool) -> None:
    if looks_like_model(tag):
        raise UsageError(
            f"{tag} is a file, not an image", hint=f"serve a model with `infer up {shlex.quote(tag)}`"
        )
    if pull not in _PULLS:
        raise UsageError(f"--pull {pull} is not known", hint=f"choose one of {', '.join(_PULLS)}")
    check_restart(restart)
    if restart not in (None, IN_FOREGROUND) and not detach:
        raise UsageError("--restart needs -d: in the foreground the service ends with this command")


def _write_log(chunk: bytes) -> None:
    """Write to stderr: with --json, stdout holds one object only, and the log is not the result."""
    sys.stderr.buffer.write(chunk)
    sys.stderr.buffer.flush()
