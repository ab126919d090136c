"""The contents of an image that infer built: its packages, its layers, and the model inside."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from infer_cli.engine.containers import copy_from_image
from infer_cli.engine.image_sizes import measure_image
from infer_cli.engine.images import require_image
from infer_cli.errors import InferError
from infer_cli.inspection import inspect_model
from infer_cli.packages.audit import LONGEST_WAIT_S, begin_audit
from infer_cli.plan import labels
from infer_cli.plan.layout import BAKED_FOLDER

if TYPE_CHECKING:
    from infer_cli.engine.connection import Engine
    from infer_cli.engine.image_sizes import ImageSizes
    from infer_cli.engine.images import ImageFacts
    from infer_cli.image.name import ImageName
    from infer_cli.inspection import Inspection
    from infer_cli.packages.audit import Audit


@dataclass(frozen=True)
class ImageContents:
    """An image, the sizes of its parts, and the inspection of the model inside; None for an image without."""

    image: ImageFacts
    sizes: ImageSizes
    model: Inspection | None


def read_image(engine: Engine, name: ImageName) -> ImageContents:
    """Read the contents of an image; the model inside is inspected and not loaded.

    Raises `ImageNotFound`, and `InferError` for an image that infer did not build.
    """
    image = require_image(engine, name)
    if not image.is_service:
        raise InferError(
            f"the image {name} was not made by infer",
            hint="`infer inspect` reads only images that infer built",
        )
    return ImageContents(image, measure_image(engine, image.image_id), _baked_model(engine, image))


def audit_image(contents: ImageContents) -> Audit:
    """The known vulnerabilities of the packages of an image."""
    pinned = contents.image.labels.get(labels.REQUIREMENTS, "").split()
    pins = dict(one.split("==", 1) for one in pinned if "==" in one)
    return begin_audit(pins).result(LONGEST_WAIT_S)


def _baked_model(engine: Engine, image: ImageFacts) -> Inspection | None:
    """The inspection of a copy of the model inside, under its path in the image."""
    inside = PurePosixPath(image.environment.get("MODEL_FILE", ""))
    if not inside.is_relative_to(BAKED_FOLDER):
        return None
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / inside.name
        copy_from_image(engine, image.image_id, inside, copy)
        return replace(inspect_model(copy), path=Path(inside))
