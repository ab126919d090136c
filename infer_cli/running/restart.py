"""Restarts a service, with the model file as it is now."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from infer_cli import certificates, tokens
from infer_cli.engine.containers import restart_container
from infer_cli.engine.images import find_image
from infer_cli.engine.rerun import read_run
from infer_cli.engine.services import inspect_service
from infer_cli.errors import CertificateUnusable, ImageNotFound
from infer_cli.inspection import Declared
from infer_cli.plan import labels
from infer_cli.running.image_checks import check_trust, check_versions
from infer_cli.running.model_mount import mount_model
from infer_cli.running.readiness import wait_until_ready
from infer_cli.running.replace import replace_service
from infer_cli.running.start import PreparedRun

if TYPE_CHECKING:
    from collections.abc import Callable

    from infer_cli.engine.connection import Engine
    from infer_cli.engine.services import Service
    from infer_cli.terminal.progress import Progress


def restart_service(
    engine: Engine,
    service: Service,
    *,
    timeout_s: float,
    progress: Progress,
    note: Callable[[str], None],
) -> Service:
    """Restart the service, and wait until it is ready.

    If the model file has changed, a new container takes the place of the old one, which stays if the changed
    model cannot be served. An engine on another machine serves its copy again. Raises `ModelError` or
    `ContainerFailed`.
    """
    progress.stage(f"Looking at the model of {service.name}")
    run = prepare_restart(engine, service)
    model = run.plan.model
    if model is None or service.model_digest == f"sha256:{model.digest}":
        progress.stage(f"Restarting {service.name}")
        restart_container(engine, service)
        wait_until_ready(engine, service, timeout_s=timeout_s)
        if service.model_origin and not service.model_folder:
            note(
                f"{service.name} serves the copy of {service.model} that the engine has; to serve a changed "
                f"one: infer run {service.image} --model-dir DIR --name {service.name} --replace -d"
            )
        return inspect_service(engine, service.container_id)
    return replace_service(engine, run, service, timeout_s=timeout_s, progress=progress, note=note)


def prepare_restart(engine: Engine, service: Service) -> PreparedRun:
    """The run of a service that exists, with its model as it is on this machine now.

    Raises `ModelError` if the model is gone or cannot be served by the image.
    """
    known = read_run(engine, service)
    image = find_image(engine, known.plan.image)
    if image is None:
        raise ImageNotFound(
            f"the image of {service.name} is gone from this engine",
            hint=f"stop the service and start it from another image: `infer stop {service.name}`",
        )
    folder = Path(service.model_folder) if service.model_folder else None
    model = mount_model(
        folder,
        service.model if folder else None,
        writable=known.has_writable_model,
        declared=Declared(member=image.labels.get(labels.MEMBER)),
    )
    if model is not None and folder is not None:
        check_versions(service.image, image, model, folder)
    trusted = check_trust(model, image, known.plan.trusted)
    access = known.plan.access
    if access and known.plan.has_tokens:
        tokens.make_sure(access)
    if known.plan.has_certificate and certificates.known_file(access) is None:
        raise CertificateUnusable(
            f"the certificate of {service.name} is not kept here any more",
            hint="start the service anew with --tls-cert and --tls-key, and --replace",
        )
    plan = replace(
        known.plan,
        model=model,
        trusted=trusted,
        fingerprint=service.fingerprint,
        access_folder=tokens.shared_folder(access) if access else None,
    )
    return PreparedRun(plan, service.image, image, is_port_chosen=True)
