"""The name of an image or a service where the user gives none: made from the path of the model."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

from infer_cli.image.name import ImageName

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Names that say nothing of the model; then the name of the folder above is taken.
_SAY_NOTHING = {
    *("model", "models", "data", "pipeline", "estimator", "clf", "classifier", "regressor", "final", "best"),
    *("artifact", "artifacts", "output", "outputs", "out", "dist", "build", "tmp", "saved", "trained"),
    *("mlruns", "mlartifacts", "compiled", "model-dir", "home", "root", "users", "workspace"),
}
# Runs of MLflow and the like are called by a number or by hexadecimal digits.
_IS_ID = re.compile(r"[0-9]+|m?-?[0-9a-f]{12,}")
_NOT_ALLOWED = re.compile(r"[^a-z0-9._-]+")
_SEPARATORS = re.compile(r"[._-]{2,}")
_FOLDERS_ABOVE = 6
_MAX_LENGTH = 100
_LAST_RESORT = "model"


def derived_name(path: Path, stem: str | None = None) -> ImageName:
    """The name for a model at `path`: the first name that says something, made fit for an image.

    With the `stem` of the file, that is looked at first, then the folders from the inmost out. `path` is the
    folder. Letters become small, and what a name cannot hold becomes a hyphen.
    """
    for candidate in _candidates(path, stem):
        name = _fit(candidate)
        if name and name not in _SAY_NOTHING and not _IS_ID.fullmatch(name):
            return ImageName.parse(name)
    return ImageName.parse(_LAST_RESORT)


def _candidates(folder: Path, stem: str | None) -> Iterator[str]:
    if stem is not None:
        yield stem
    whole = folder.resolve()
    for above in (whole, *whole.parents)[:_FOLDERS_ABOVE]:
        yield above.name


def _fit(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return _SEPARATORS.sub("-", _NOT_ALLOWED.sub("-", plain)).strip("._-")[:_MAX_LENGTH].rstrip("._-")
