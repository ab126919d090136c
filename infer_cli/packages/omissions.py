"""Omitted packages: dependencies that a service does not use, and which the image therefore leaves out.

Every entry was tried: models of the package load and predict without the omitted dependency. A package that
the user names with `--require` is never omitted.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Value = TypeVar("Value")

# Omitted dependencies by the package that declares them, each with its purpose in that package.
_OMITTED_DEPENDENCIES = {
    "catboost": {
        "graphviz": "draws trees",
        "matplotlib": "plots the progress of training",
        "plotly": "plots the progress of training",
    },
    "xgboost": {
        "nvidia-nccl-cu12": "lets several GPUs train together; 300 MB",
        "nvidia-nccl-cu13": "the same for newer GPUs",
    },
}
# XGBoost without its GPU code: 5 MB instead of 130 MB. It has the same versions as XGBoost, from 2.1.1 on.
_XGBOOST_CPU = "xgboost-cpu"
_FIRST_XGBOOST_CPU = (2, 1, 1)
_DROP_IN_REPLACEMENTS = {"xgboost": _XGBOOST_CPU, _XGBOOST_CPU: "xgboost"}
_XGBOOST = re.compile(r"xgboost(?:==(?P<version>\d+(?:\.\d+)*))?")
_NAME = re.compile(r"[A-Za-z0-9._-]+")
# An environment marker that no system fulfils. An override with it removes the package from a resolution.
_NEVER = "sys_platform == 'never'"


def package_name(requirement: str) -> str:
    """The package that a requirement asks for, normalised by PEP 503; "" if it starts with no name."""
    match = _NAME.match(requirement)
    return re.sub(r"[-_.]+", "-", match[0]).lower() if match else ""


def without_gpu_code(requirements: Sequence[str]) -> tuple[str, ...]:
    """The requirements with `xgboost` replaced by `xgboost-cpu`, sorted.

    They stay unchanged if `xgboost-cpu` lacks any of the requested versions.
    """
    for_xgboost = [requirement for requirement in requirements if package_name(requirement) == "xgboost"]
    if not all(map(_has_cpu_release, for_xgboost)):
        return tuple(requirements)
    replaced = {requirement: requirement.replace("xgboost", _XGBOOST_CPU) for requirement in for_xgboost}
    return tuple(sorted(replaced.get(requirement, requirement) for requirement in requirements))


def omission_overrides(requirements: Sequence[str]) -> tuple[str, ...]:
    """The overrides, in the form that uv reads, that leave the omitted packages out of a resolution."""
    requested = {package_name(requirement) for requirement in requirements}
    omitted = {
        dependency
        for package, dependencies in _OMITTED_DEPENDENCIES.items()
        if package in requested
        for dependency in dependencies
    }
    if _XGBOOST_CPU in requested:
        # Another package may depend on `xgboost`: then both would install the same module.
        omitted.add("xgboost")
    return tuple(f"{package} ; {_NEVER}" for package in sorted(omitted - requested))


def drop_in_replacement(package: str) -> str | None:
    """The other package that provides the same module as this one, or None."""
    return _DROP_IN_REPLACEMENTS.get(package)


def with_drop_in_replacements(packages: Mapping[str, Value]) -> dict[str, Value]:
    """Add an entry for each drop-in replacement of a package, with the value of that package.

    A replacement that has an entry of its own keeps it.
    """
    replacements = {
        replacement: value
        for package, value in packages.items()
        if (replacement := drop_in_replacement(package))
    }
    return {**replacements, **packages}


def _has_cpu_release(requirement: str) -> bool:
    """Whether `xgboost-cpu` has a release that satisfies this requirement for `xgboost`."""
    match = _XGBOOST.fullmatch(requirement)
    if match is None or match["version"] is None:
        return match is not None
    return tuple(map(int, match["version"].split("."))) >= _FIRST_XGBOOST_CPU
