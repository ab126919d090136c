"""Finds an image that was built from the same inputs before, so that it need not be built again."""

from __future__ import annotations

import hashlib
from dataclasses import fields
from typing import TYPE_CHECKING

from infer_cli import __version__
from infer_cli.engine.images import labelled_images
from infer_cli.inspection import schema_text
from infer_cli.plan import labels

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from infer_cli.assets import Assets
    from infer_cli.building.request import BuildRequest
    from infer_cli.engine.connection import Engine
    from infer_cli.engine.images import ImageFacts
    from infer_cli.packages.resolution import Resolution

# Parts of a request that do not change what is inside the image, or that are counted in another form.
_COUNTED_APART = {"name", "model", "code", "lock_file", "use_environment", "no_cache", "tolerance"}


def inputs_digest(request: BuildRequest, resolution: Resolution, assets: Assets, machine: str) -> str:
    """A digest of all that decides what is inside an image for the processor `machine`.

    It is known before packages are chosen: it holds what they are chosen by. Images with the same digest
    serve the same models. The model itself counts only if it is inside.
    """
    whole = hashlib.sha256()
    for part in _parts(request, resolution, assets, machine):
        whole.update(f"{len(part)} {part}\n".encode())
    return f"sha256:{whole.hexdigest()}"


def find_fitting_image(engine: Engine, digest: str) -> ImageFacts | None:
    """An image on the engine that was built from the same inputs; None if there is none."""
    return next(iter(labelled_images(engine, f"{labels.INPUTS_DIGEST}={digest}")), None)


def _parts(request: BuildRequest, resolution: Resolution, assets: Assets, machine: str) -> Iterator[str]:
    yield __version__
    yield machine
    for field in fields(request):
        if field.name not in _COUNTED_APART:
            yield f"{field.name}={getattr(request, field.name)!r}"
    yield repr(resolution.requirements)
    yield repr(sorted(resolution.preferred.items()))
    yield repr(resolution.pythons)
    if request.model is not None:
        yield schema_text(request.model.declared) or ""
    if request.bake and request.model is not None:
        yield f"{request.model.path.name} {request.model.sha256}"
    if request.lock_file is not None and request.lock_file.exists():
        yield _content(request.lock_file)
    yield from (f"{path} {_content(source)}" for path, source in request.code.files)
    yield from map(_content, (assets.template, assets.finish))
    yield from (f"{path} {_content(assets.service / path)}" for path in assets.service_files(machine))


def _content(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
