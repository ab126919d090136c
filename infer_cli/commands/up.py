"""`infer up`: from a model file to a service that answers, in one go."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from infer_cli.certificates import read_pair
from infer_cli.commands.built_image import describe_image, proof_text
from infer_cli.commands.started import describe_started
from infer_cli.errors import ImageNotFound, UsageError
from infer_cli.image.base import check_python
from infer_cli.image.name import ImageName
from infer_cli.plan.run import DEFAULT_HOST_IP, DEFAULT_PORT, Limits, needs_tokens
from infer_cli.plan.settings import ALLOWED_HOSTS, CORS_ORIGINS, IN_BACKGROUND, check_restart, environment_of
from infer_cli.terminal import output
from infer_cli.terminal.browser import can_open_pages, open_page
from infer_cli.terminal.completion import complete_model_or_image
from infer_cli.terminal.options import (
    AddedPackages,
    AllowedHosts,
    AsJson,
    Auth,
    BaseImageName,
    ClassLabels,
    CorsOrigins,
    Egress,
    FeatureNames,
    LogInputs,
    Member,
    Memory,
    ModelFile,
    NoEnvironment,
    OptionalFeatures,
    OwnCodePaths,
    Processors,
    ReadyTimeout,
    Replace,
    RestartPolicy,
    ServiceName,
    Settings,
    TlsCertificate,
    TlsKey,
    Tracing,
    Trust,
    Verbose,
    Workers,
    examples_option,
    host_option,
    port_option,
    python_option,
    tag_option,
)
from infer_cli.terminal.progress import show_progress
from infer_cli.terminal.words import looks_like_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from infer_cli.building.naming import ModelPlace
    from infer_cli.building.up import Up
    from infer_cli.engine.connection import Engine
    from infer_cli.inspection import Declared
    from infer_cli.plan.run import ModelMount

_STATES = {
    "started": "is ready",
    "replaced": "was replaced, and is ready",
    "unchanged": "is running already, unchanged,",
}


def up(  # noqa: PLR0913 (each is an option of the command)
    model: Annotated[
        str,
        typer.Argument(
            metavar="[MODEL|IMAGE]",
            help="A model file, the folder that holds one, or an image with a model inside.  "
            "[default: the current folder]",
            autocompletion=complete_model_or_image,
            show_default=False,
        ),
    ] = ".",
    *,
    model_file: ModelFile = None,
    name: ServiceName = None,
    port: Annotated[
        int | None,
        port_option(f"The port on this machine.  [default: {DEFAULT_PORT}, or the next free one]"),
    ] = None,
    host: Annotated[
        str, host_option("The address to publish on; 0.0.0.0 opens it to the network.")
    ] = DEFAULT_HOST_IP,
    replace: Replace = False,
    no_browser: Annotated[
        bool, typer.Option("--no-browser", help="Do not open the page of a new service.")
    ] = False,
    env: Settings = None,
    memory: Memory = None,
    cpus: Processors = None,
    workers: Workers = None,
    restart: RestartPolicy = None,
    egress: Egress = False,
    auth: Auth = None,
    tls_cert: TlsCertificate = None,
    tls_key: TlsKey = None,
    allowed_host: AllowedHosts = None,
    cors_origin: CorsOrigins = None,
    log_inputs: LogInputs = None,
    timeout: ReadyTimeout = 120,
    tag: Annotated[
        str | None, tag_option("The name of the image.  [default: made from the model's path]")
    ] = None,
    base_image: BaseImageName = None,
    python: Annotated[str | None, python_option()] = None,
    no_environment: NoEnvironment = False,
    require: AddedPackages = None,
    tracing: Tracing = False,
    code: OwnCodePaths = None,
    examples: Annotated[
        Path | None,
        examples_option(
            "Rows to prove the model with (.csv, .json, .jsonl, .parquet), perhaps with answers."
        ),
    ] = None,
    trust: Trust = None,
    features: FeatureNames = None,
    optional: OptionalFeatures = None,
    classes: ClassLabels = None,
    member: Member = None,
    verbose: Verbose = False,
    as_json: AsJson = False,
) -> None:
    """Serve a model: build, start, wait, and show where it answers.

    An image that was built from the same inputs is used again. A service that runs unchanged is left alone.
    If the model or an option has changed, a new service takes the place of the old one, which stays if the
    new one does not become ready.
    """
    wanted = _check_options(tag, restart, python)
    with show_progress(verbose=verbose) as progress:
        progress.stage(f"Inspecting {model}")
        from infer_cli.building.inputs import read_inputs  # noqa: PLC0415 (slow to import)
        from infer_cli.building.request import BuildRequest  # noqa: PLC0415
        from infer_cli.building.up import UpRequest, bring_up  # noqa: PLC0415
        from infer_cli.engine.connection import connect  # noqa: PLC0415
        from infer_cli.inspection import declared_by_options  # noqa: PLC0415
        from infer_cli.running.start import RunRequest  # noqa: PLC0415

        declared = declared_by_options(features=features, optional=optional, classes=classes, member=member)
        lists = {ALLOWED_HOSTS: allowed_host, CORS_ORIGINS: cors_origin}
        environment = environment_of(
            env or [], workers, declared.optional, egress=egress, lists=lists, log_inputs=log_inputs
        )
        own_code, trusted, expected = read_inputs(Path(model), code, trust, examples, progress.note)
        place, mount = _find(model, model_file, trusted, declared, examples, progress.note)
        run = RunRequest(
            wanted or (place.derived_name if place else ImageName.parse(model, allow_digest=True)),
            model=mount,
            model_folder=place.folder if place else None,
            name=name,
            port=port,
            host_ip=host,
            environment=environment,
            limits=Limits(memory=memory, cpus=cpus),
            restart=restart or IN_BACKGROUND,
            trusted=trusted,
            has_tokens=needs_tokens(host, environment, wanted=auth),
            certificate=read_pair(tls_cert, tls_key),
        )
        build = BuildRequest(
            name=run.image,
            model=mount.inspection if mount else None,
            base_image=base_image,
            python=python,
            added_requirements=tuple(require or ()),
            tracing=tracing,
            code=own_code,
            use_environment=not no_environment,
            trusted=trusted,
        )
        request = UpRequest(
            run,
            build if mount else None,
            examples=expected,
            timeout_s=timeout,
            is_name_derived=wanted is None,
            replaces_other=replace,
        )
        with _no_model_either(model if place is None else None):
            done = bring_up(engine := connect(), request, progress)
    output.show(*_describe(engine, done), as_json=as_json)
    _open_page(engine, done, is_wanted=not (no_browser or as_json))


def _check_options(tag: str | None, restart: str | None, python: str | None) -> ImageName | None:
    """The name of the image, if one is wanted; refuses a restart policy and a Python that there are not."""
    check_restart(restart)
    check_python(python)
    return ImageName.parse(tag) if tag else None


def _open_page(engine: Engine, done: Up, *, is_wanted: bool) -> None:
    from infer_cli.running.readiness import service_url  # noqa: PLC0415 (slow to import)

    url = service_url(engine, done.service)
    if is_wanted and done.outcome == "started" and url and can_open_pages():
        open_page(url)


@contextmanager
def _no_model_either(word: str | None) -> Iterator[None]:
    """Let the error for an image that is missing say that there is no file of that name either."""
    try:
        yield
    except ImageNotFound as error:
        if word is not None:
            image = error.message.removeprefix("there is ")
            error.message = f"there is no file or folder {word}, and {image}"
        raise


def _find(
    word: str,
    file: str | None,
    trusted: tuple[str, ...],
    declared: Declared,
    examples: Path | None,
    note: Callable[[str], None],
) -> tuple[ModelPlace | None, ModelMount | None]:
    """The model that a word names, inspected and judged; two times None if the word names an image."""
    from infer_cli.building.inputs import mount_safe_model  # noqa: PLC0415 (slow to import)
    from infer_cli.building.naming import place_of  # noqa: PLC0415

    if not Path(word).exists() and not looks_like_file(word):
        if file is not None:
            message = f"--model-file needs a folder, and there is none called {word}"
            raise UsageError(message, hint="an image has its model inside: leave --model-file out")
        return None, None
    place = place_of(Path(word), file)
    mount = mount_safe_model(
        place.folder, place.file, declared, examples, is_baked=False, trusted=trusted, note=note
    )
    return place, mount


def _describe(engine: Engine, done: Up) -> tuple[str, dict[str, object]]:
    """What was done, and where the service answers."""
    lines, record = [], {}
    if done.built is not None:
        text, record["built"] = describe_image(done.built)
        lines.append(text)
    elif done.proof is not None:
        lines.append(f"Image: {done.image}, which fits and was not built again")
        lines.append(f"Proof: {proof_text(done.proof)}")
    text, service = describe_started(engine, done.service, state=_STATES[done.outcome])
    lines.append(text)
    return "\n".join(lines), {**service, "outcome": done.outcome, "image": done.image, **record}
