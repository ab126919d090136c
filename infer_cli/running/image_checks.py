"""The image of a run: pulled if need be, and refused if it cannot serve the model."""

from __future__ import annotations

import shlex
from contextlib import suppress
from typing import TYPE_CHECKING

from infer_cli.engine.images import find_image, pull_image, require_image
from infer_cli.errors import InferError, ModelError, UsageError
from infer_cli.inspection import require_safe
from infer_cli.plan import labels
from infer_cli.plan.layout import BAKED_FOLDER
from infer_cli.plan.settings import EGRESS
from infer_cli.plan.trust import trust_of_label

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from infer_cli.engine.connection import Engine
    from infer_cli.engine.images import ImageFacts
    from infer_cli.image.name import ImageName
    from infer_cli.plan.run import ModelMount
    from infer_cli.terminal.progress import Progress


def find_or_pull(engine: Engine, name: ImageName, pull: str, progress: Progress) -> ImageFacts:
    """The image on the engine; `pull` is `missing`, `always` or `never`.

    With `missing`, the image is pulled if the engine does not have it and its name is one of a registry.
    Raises `ImageNotFound`.
    """
    found = find_image(engine, str(name)) if pull == "missing" else None
    if found is not None:
        return found
    if pull == "never" or (pull == "missing" and not name.can_be_pulled):
        return require_image(engine, name)
    progress.stage(f"Pulling {name} from {name.host}")
    return pull_image(engine, str(name), platform=None, on_event=progress.on_event)


def member_inside(
    connect: Callable[[], Engine], name: ImageName, pull: str, progress: Progress
) -> str | None:
    """The member of the model file that the image was built for; None without one, or without the image.

    An image that cannot be had is no error here: the run itself says so.
    """
    with suppress(InferError):
        return find_or_pull(connect(), name, pull, progress).labels.get(labels.MEMBER)
    return None


def has_model_inside(image: ImageFacts) -> bool:
    """Whether the image needs no model folder."""
    return image.environment.get("MODEL_FILE", "").startswith(f"{BAKED_FOLDER}/")


def check_image(name: ImageName, image: ImageFacts, model: ModelMount | None) -> None:
    """Raise `UsageError` for an image that infer did not build, or if no model is inside or mounted."""
    if not image.is_service:
        message = f"the image {name} was not made by infer"
        raise UsageError(message, hint="build one for your model: `infer build MODEL`")
    if model is None and not has_model_inside(image):
        raise UsageError(
            f"the image {name} has no model inside",
            hint=f"say where the model is: `infer run {name} --model-dir DIR`",
        )


def check_versions(name: ImageName | str, image: ImageFacts, model: ModelMount, folder: Path) -> None:
    """Refuse a model that another scikit-learn version wrote: its predictions could be wrong unnoticed.

    `folder` is the model folder as the user wrote it, for the command in the hint. Raises `ModelError`.
    """
    pins = dict(
        pin.split("==", 1) for pin in image.labels.get(labels.REQUIREMENTS, "").split() if "==" in pin
    )
    in_image = pins.get("scikit-learn")
    in_model = model.inspection.sklearn_version if model.inspection else None
    if pins and in_model and not in_image:
        raise ModelError(
            f"{model.file} needs scikit-learn, and the image {name} has none: it is for models without it",
            hint="leave out --model-dir if a model is inside, name a folder with the compiled or ONNX model, "
            f"or build one that fits: `infer build {shlex.quote(str(folder / model.file))}`",
        )
    if in_image and in_model and in_image != in_model:
        raise ModelError(
            f"{model.file} was written with scikit-learn {in_model}, and the image {name} has {in_image}",
            hint=f"build one that fits: `infer build {shlex.quote(str(folder / model.file))} --tag {name}`",
        )


def check_egress(name: ImageName, image: ImageFacts, environment: dict[str, str]) -> None:
    """Raise `UsageError` for an image whose service does not close the way out, unless it may stay open."""
    if EGRESS not in image.environment and environment.get(EGRESS) != "1":
        raise UsageError(
            f"the image {name} was made by an older infer, and its service could connect to other programs",
            hint="build the image anew, or allow it with --egress",
        )


def check_trust(model: ModelMount | None, image: ImageFacts, trusted: tuple[str, ...]) -> tuple[str, ...]:
    """The names that a model may use besides the allow-list: `trusted`, and those of the image's label.

    Raises `ModelUnsafe` for a model that uses any other name, and `ModelUnreadable` for a model whose columns
    neither the file tells nor a schema inside the image.
    """
    together = tuple(sorted({*trusted, *trust_of_label(image.labels.get(labels.TRUST))}))
    if model is not None and model.inspection is not None:
        require_safe(model.inspection, together, is_declared=labels.SCHEMA_DIGEST in image.labels)
    return together
