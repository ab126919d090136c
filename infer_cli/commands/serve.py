"""`infer serve`: the same service without a container, for development."""

from __future__ import annotations

from typing import Annotated

from infer_cli.errors import UsageError
from infer_cli.plan.run import DEFAULT_HOST_IP, DEFAULT_PORT
from infer_cli.plan.trust import parse_trust
from infer_cli.terminal import output
from infer_cli.terminal.options import (
    ClassLabels,
    FeatureNames,
    Member,
    ModelFile,
    ModelFolder,
    ModelPath,
    OptionalFeatures,
    Trust,
    Workers,
    host_option,
    port_option,
)
from infer_cli.terminal.progress import show_progress


def serve(  # noqa: PLR0913 (each is an option of the command)
    model: ModelPath = None,
    *,
    model_dir: ModelFolder = None,
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
    trusted = parse_trust(trust or ())
    with show_progress() as progress:
        progress.stage(f"Inspecting {model or model_dir or 'the model'}")
        from infer_cli.building.naming import place_given  # noqa: PLC0415 (slow to import)
        from infer_cli.inspection import declared_by_options  # noqa: PLC0415
        from infer_cli.running.local_service import prepare_local_service  # noqa: PLC0415

        place = place_given(model, model_dir, model_file)
        if place is None:
            raise UsageError("no model is given", hint="name a file or a folder: `infer serve MODEL`")
        declared = declared_by_options(features=features, optional=optional, classes=classes, member=member)
        service = prepare_local_service(
            place.folder,
            place.file,
            host=host,
            port=port,
            workers=workers,
            trusted=trusted,
            declared=declared,
            progress=progress,
        )
    output.note(f"Serving {service.file} on http://localhost:{port} (Ctrl-C ends it)")
    service.run()
