"""From a model or an image to a service that answers, in one go, and again after a change."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Literal

from infer_cli.assets import find_assets
from infer_cli.building.build import ProofRequest, make_image, prove_image
from infer_cli.building.fitting import find_fitting_image
from infer_cli.building.naming import require_own_image_name
from infer_cli.building.prepare import inputs_of, prepare_build, resolution_for
from infer_cli.engine.containers import keep_running
from infer_cli.engine.images import find_image, tag_image
from infer_cli.engine.services import container_names, list_services
from infer_cli.errors import NameTaken
from infer_cli.image.name import ImageName
from infer_cli.plan.settings import EGRESS
from infer_cli.running.image_checks import check_image, find_or_pull
from infer_cli.running.readiness import wait_until_ready
from infer_cli.running.replace import replace_service
from infer_cli.running.start import free_name, prepare_run, started_service

if TYPE_CHECKING:
    from pathlib import Path

    from infer_cli.building.build import MadeImage, Proof
    from infer_cli.building.request import BuildRequest
    from infer_cli.engine.connection import Engine
    from infer_cli.engine.services import Service
    from infer_cli.running.start import RunRequest
    from infer_cli.terminal.progress import Progress

Outcome = Literal["started", "replaced", "unchanged"]
# Of a request to run: what says which service is meant, and what is counted in another form.
_COUNTED_APART = {"image", "model", "model_folder", "pull", "name", "port", "environment", "fingerprint"}


@dataclass(frozen=True)
class UpRequest:
    """A service as the user wants it.

    `build` says how to make an image for the model of `run`; it is None if `run` names an image that has the
    model inside. `is_name_derived` says that infer chose the name of the image. With `replaces_other`, a
    service of the same name that serves another model may be replaced.
    """

    run: RunRequest
    build: BuildRequest | None = None
    examples: Path | None = None
    timeout_s: float = 120
    is_name_derived: bool = False
    replaces_other: bool = False
    verify: bool = True


@dataclass(frozen=True)
class Up:
    """A service that answers, and what was done for it.

    `image` is the name of its image. `built` is the image if it had to be built, and `proof` how an image
    that was there already was proved with this model; both are None if nothing had to be done.
    """

    service: Service
    outcome: Outcome
    image: str
    built: MadeImage | None = None
    proof: Proof | None = None


def bring_up(engine: Engine, request: UpRequest, progress: Progress) -> Up:
    """Make sure that the service runs as requested: build what is missing, and replace what is outdated.

    A service that runs unchanged is left alone. An old service stays if the new one does not become ready.
    """
    if request.build is None:
        return _bring_up_image(engine, request, progress)
    assets = find_assets()
    resolution = resolution_for(request.build, assets)
    inputs = inputs_of(request.build, resolution, assets, engine)
    run = replace(request.run, fingerprint=_fingerprint(request.run, inputs))
    old = _own_service(engine, request)
    if old is not None and _is_unchanged(old, run):
        wait_until_ready(engine, old, timeout_s=request.timeout_s)
        return Up(old, "unchanged", old.image)
    image, built, proof = _image_for(engine, request, request.build, inputs, progress)
    service, outcome = _start(engine, request, replace(run, image=image), old, progress)
    return Up(service, outcome, str(image), built, proof)


def _bring_up_image(engine: Engine, request: UpRequest, progress: Progress) -> Up:
    """Run an image that has the model inside."""
    run = request.run
    image = find_or_pull(engine, run.image, run.pull, progress)
    check_image(run.image, image, run.model)
    run = replace(run, fingerprint=_fingerprint(run, image.image_id))
    old = _own_service(engine, request)
    if old is not None and _is_unchanged(old, run):
        wait_until_ready(engine, old, timeout_s=request.timeout_s)
        return Up(old, "unchanged", old.image)
    service, outcome = _start(engine, request, run, old, progress)
    return Up(service, outcome, str(run.image))


def _fingerprint(run: RunRequest, inputs: str) -> str:
    """A digest of all that was asked for, but for the model, whose digest has its own label."""
    options = [
        f"{field.name}={getattr(run, field.name)!r}"
        for field in fields(run)
        if field.name not in _COUNTED_APART
    ]
    whole = [inputs, repr(sorted(run.environment.items())), *options]
    return f"sha256:{hashlib.sha256(repr(whole).encode()).hexdigest()}"


def _is_unchanged(service: Service, run: RunRequest) -> bool:
    """Whether a service runs as it would be started now."""
    same_model = run.model is None or service.model_digest == f"sha256:{run.model.digest}"
    same_port = run.port in (None, service.host_port)
    return service.is_running and same_model and same_port and service.fingerprint == run.fingerprint


def _own_service(engine: Engine, request: UpRequest) -> Service | None:
    """The service of the same name, or without a name, the one that serves the same file or image.

    Raises `NameTaken` if the service of that name serves something else.
    """
    services, run = list_services(engine), request.run
    same = [one for one in services if _serves_the_same(one, run)]
    if run.name is None:
        return min(same, key=lambda one: not one.is_running, default=None)
    named = next((one for one in services if one.name == run.name), None)
    if named is None or named in same or request.replaces_other:
        return named
    served = f"the image {named.image}"
    if named.model_origin:
        served = f"{named.model_folder}/{named.model}" if named.model_folder else f"another {named.model}"
    raise NameTaken(
        f"there is a service {named.name} already, which serves {served}",
        hint="choose another --name, or put the new service in its place with --replace",
    )


def _serves_the_same(service: Service, run: RunRequest) -> bool:
    if run.model is None:
        return service.model_origin is None and service.image == str(run.image)
    return service.model_origin == run.model.origin


def _image_for(
    engine: Engine, request: UpRequest, build: BuildRequest, inputs: str, progress: Progress
) -> tuple[ImageName, MadeImage | None, Proof | None]:
    """An image for the model: one that was built from the same inputs, or a new one."""
    proof = ProofRequest(
        request.run.model,
        examples=request.examples,
        is_wanted=request.verify,
        egress=request.run.environment.get(EGRESS) == "1",
    )
    fitting = find_fitting_image(engine, inputs)
    if request.is_name_derived and (fitting is None or not fitting.tags):
        require_own_image_name(engine, build.name)
    if fitting is None:
        plan = prepare_build(build, engine, progress)
        made = make_image(engine, plan, proof, progress)
        return made.name, made, None
    name = build.name if not request.is_name_derived or not fitting.tags else ImageName.parse(fitting.tags[0])
    progress.stage(f"Proving {name} with this model")
    proved = prove_image(engine, fitting.image_id, proof, progress)
    named = find_image(engine, str(name))
    if named is None or named.image_id != fitting.image_id:
        tag_image(engine, fitting.image_id, name)
    return name, None, proved


def _start(
    engine: Engine, request: UpRequest, run: RunRequest, old: Service | None, progress: Progress
) -> tuple[Service, Outcome]:
    """Start the service, in the place of the old one if there is one."""
    if old is None and run.name is None:
        run = replace(run, name=free_name(_service_name(request), container_names(engine)))
    prepared = prepare_run(engine, run, progress, old=old)
    if old is not None:
        service = replace_service(
            engine, prepared, old, timeout_s=request.timeout_s, progress=progress, note=progress.note
        )
        return service, "replaced"
    progress.stage(f"Starting {prepared.plan.name}")
    with started_service(engine, prepared, note=progress.note) as service:
        progress.stage(f"Waiting until {service.name} is ready")
        wait_until_ready(engine, service, timeout_s=request.timeout_s)
        keep_running(engine, service, prepared.plan.restart)
    return service, "started"


def _service_name(request: UpRequest) -> str:
    """The name of the service: that of the image as it would be built, even if another image fits."""
    return (request.build.name if request.build else request.run.image).short_name
