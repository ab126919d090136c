"""What must go into an image: the packages of the service, of the model, and those that the user adds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infer_cli.errors import ModelUnreadable
from infer_cli.inspection import requirements_of, unknown_modules
from infer_cli.lock import requirement_lines

if TYPE_CHECKING:
    from infer_cli.assets import Assets
    from infer_cli.inspection import Inspection

# Without a model, the image serves what the newest scikit-learn writes.
_DEFAULT_REQUIREMENTS = ("scikit-learn",)


def image_requirements(assets: Assets, model: Inspection | None) -> tuple[str, ...]:
    """The requirements of an image, in pip's form, sorted.

    Raises `ModelUnreadable` if the model needs modules that belong to no known package.
    """
    service = requirement_lines((assets.service / "requirements.txt").read_text())
    return tuple(sorted({*service, *(_model_requirements(model) if model else _DEFAULT_REQUIREMENTS)}))


def _model_requirements(model: Inspection) -> tuple[str, ...]:
    missing = unknown_modules(model)
    if missing:
        users = [str(name) for name in model.globals if name.module.partition(".")[0] in missing]
        raise ModelUnreadable(
            f"{model.path} needs modules that belong to no known package: {', '.join(missing)}",
            detail="classes that need them:\n" + "\n".join(f"  {user}" for user in users),
            hint="save the model without own classes; a service can only import what is in a package",
        )
    found = {need.name: str(need) for need in requirements_of(model)}
    # The service loads pickles with joblib, which comes with scikit-learn.
    found.setdefault("scikit-learn", "scikit-learn")
    return tuple(found.values())
