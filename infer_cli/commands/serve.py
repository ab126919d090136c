"""`infer serve`: the same service without a container, for development."""

from __future__ import annotations

from typing import Annotated

from infer_cli.plan.run import DEFAULT_HOST_IP, DEFAULT_PORT
from infer_cli.plan.trust import parse_trust
from infer_cli.terminal import output
from infer_cli.terminal.options import (
    ClassLabels,
    FeatureNames,
    Member,
    ModelFile,
    OptionalFeatures,
    RequiredModelFolder,
    Trust,
    Workers,
    host_option,
    port_option,
)
from infer_cli.terminal.progress import show_progress


def serve(  # noqa: PLR0913 (each is an option of the command)
    *,
    model_dir: RequiredModelFolder,
    model_file: ModelFile = None,
    port: Annotated[int, port_option()] = DEFAULT_PORT,
    host: Annotated[str, host_option("The address to listen on.")] = DEFAULT_HOST_IP,
    workers: Workers = None,
    trust: Trust = None,
    features: FeatureNames = None,
    optional: OptionalFeatures = None,
    classes: ClassLabels = None,
    member: Member = None,
) -> None:
    """Serve a model on this machine, without a container.

    This loads the model file, which runs code of the packages that the model uses. The packages have the
    same versions as in an image.
    """
    from infer_cli.inspection import declared_by_options  # noqa: PLC0415 (keeps `infer --help` quick)
    from infer_cli.running.local_service import prepare_local_service  # noqa: PLC0415

    trusted = parse_trust(trust or ())
    declared = declared_by_options(features=features, optional=optional, classes=classes, member=member)
    with show_progress() as progress:
        service = prepare_local_service(
            model_dir,
            model_file,
            host=host,
            port=port,
            workers=workers,
            trusted=trusted,
            declared=declared,
            progress=progress,
        )
    output.note(f"Serving {service.file} on http://localhost:{port} (Ctrl-C ends it)")
    service.run()
