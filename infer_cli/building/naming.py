"""Where a model is, and what its image is called if the user does not say so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from infer_cli.engine.images import find_image
from infer_cli.errors import ModelNotFound, UsageError
from infer_cli.image.derived import derived_name
from infer_cli.inspection import model_stem

if TYPE_CHECKING:
    from pathlib import Path

    from infer_cli.engine.connection import Engine
    from infer_cli.image.name import ImageName


@dataclass(frozen=True)
class ModelPlace:
    """A model folder, and the file in it if one was named; `is_file` says that it was named alone."""

    folder: Path
    file: str | None = None
    is_file: bool = False

    @property
    def source(self) -> str:
        """What the name is made from, as the user wrote it."""
        return str(self.folder / self.file) if self.file and self.is_file else str(self.folder)

    @property
    def derived_name(self) -> ImageName:
        """The name of an image for the model, made from the name of the file or of a folder."""
        return derived_name(self.folder, model_stem(self.file) if self.file and self.is_file else None)


def place_given(model: Path | None, folder: Path | None, file: str | None) -> ModelPlace | None:
    """The place that the argument MODEL, `--model-dir` and `--model-file` name; None if they name none.

    Raises `UsageError` if they contradict each other, and `ModelNotFound` if MODEL does not exist.
    """
    if model is not None and folder is not None:
        message = f"the model is given twice: {model}, and --model-dir {folder}"
        raise UsageError(message, hint="leave out --model-dir")
    if model is not None:
        return place_of(model, file)
    if folder is not None:
        return ModelPlace(folder, file)
    if file is not None:
        raise UsageError("--model-file needs --model-dir", hint="say which folder the model is in")
    return None


def place_of(model: Path, file: str | None = None) -> ModelPlace:
    """The place of a model file, or of a folder and perhaps the `file` in it.

    Raises `ModelNotFound` if it does not exist, and `UsageError` for a file in a file.
    """
    if model.is_dir():
        return ModelPlace(model, file)
    if file is not None:
        raise UsageError(f"--model-file {file} needs a folder, and {model} is none", hint="leave it out")
    if not model.exists():
        raise ModelNotFound(
            f"There is no file or folder {model}.", hint="Name a model file, or the folder that holds one."
        )
    return ModelPlace(model.parent, model.name, is_file=True)


def image_name_for(engine: Engine | None, wanted: ImageName | None, place: ModelPlace | None) -> ImageName:
    """The name of an image: the one that is `wanted`, or one that is made from the place of the model.

    Raises `UsageError` if there is neither, or if another program's image has the name that infer makes.
    """
    if wanted is not None:
        return wanted
    if place is None:
        raise UsageError(
            "the image has no name: neither --tag nor a model is given",
            hint="call it after a model, `infer build MODEL`, or name it: `infer build --tag NAME:TAG`",
        )
    name = place.derived_name
    if engine is not None:
        require_own_image_name(engine, name)
    return name


def require_own_image_name(engine: Engine, name: ImageName) -> None:
    """Raise `UsageError` if a name that infer chose belongs to an image that infer did not make."""
    existing = find_image(engine, str(name))
    if existing is not None and not existing.is_service:
        raise UsageError(
            f"the image would be called {name}, and there is an image {name} that infer did not make",
            hint=f"choose another name, for example --tag {name.name}-service:{name.tag}",
        )
