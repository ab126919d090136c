"""The requirements of an image: the packages of the service, of the model, and of `--require`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infer_cli.errors import ModelUnreadable
from infer_cli.inspection import build_command, code_options, requirements_of, unknown_modules
from infer_cli.packages.lock import requirement_lines

if TYPE_CHECKING:
    from infer_cli.assets import Assets
    from infer_cli.inspection import Inspection

# An image built without a model gets the newest scikit-learn, and serves models that this version wrote.
_DEFAULT_REQUIREMENTS = ("scikit-learn",)


def image_requirements(
    assets: Assets,
    model: Inspection | None,
    *,
    added: tuple[str, ...] = (),
    own_modules: frozenset[str] = frozenset(),
) -> tuple[str, ...]:
    """The requirements of an image, in pip's form, sorted.

    `added` are the user's own requirements; `own_modules` are the modules that the user's code provides.
    Raises `ModelUnreadable` if the model needs a module that neither that code nor a known package provides.
    """
    needed = _model_requirements(model, own_modules) if model else _DEFAULT_REQUIREMENTS
    return tuple(sorted({*service_requirements(assets), *needed, *added}))


def service_requirements(assets: Assets) -> tuple[str, ...]:
    """The requirements of the service alone, in pip's form."""
    return requirement_lines((assets.service / "requirements.txt").read_text())


def tracing_requirements(assets: Assets) -> tuple[str, ...]:
    """The requirements of a service that can send traces, besides those of every service."""
    return requirement_lines((assets.service / "tracing.txt").read_text())


def _model_requirements(model: Inspection, own_modules: frozenset[str]) -> tuple[str, ...]:
    missing = set(unknown_modules(model)) - own_modules
    if missing:
        raise _needs_code(model, missing)
    found = {need.name: str(need) for need in requirements_of(model)}
    if model.format in ("pickle", "joblib", "skops"):
        # The service loads pickles with joblib, a dependency of scikit-learn.
        found.setdefault("scikit-learn", "scikit-learn")
    return tuple(found.values())


def _needs_code(model: Inspection, missing: set[str]) -> ModelUnreadable:
    users = [f"  {name}" for name in model.globals if name.module.partition(".")[0] in missing]
    own = sorted(missing - {"__main__"})
    packages = " ".join(f"--require {module}" for module in own)
    if "__main__" in missing:
        hint = (
            "a class of the training script itself cannot be imported elsewhere: move it into a module, "
            "train again, and give that module with --code"
        )
    else:
        command = build_command(model, code_options(own, model.path))
        hint = f"give the code:\n  {command}\nor the installed package that has it, with {packages}"
    return ModelUnreadable(
        f"{model.path} needs modules that belong to no known package: {', '.join(sorted(missing))}",
        detail="what needs them:\n" + "\n".join(users),
        hint=hint,
    )
