"""What packages bring along that a service has no use for, and how an image does without.

Only what was tried stands here: models of the package load and predict without it. Whatever the user asks for
with --require is kept.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Value = TypeVar("Value")

# By package, what it asks for in vain, and what that is for.
_IN_VAIN = {
    "catboost": {
        "graphviz": "draws trees",
        "matplotlib": "draws the course of training",
        "plotly": "draws the course of training",
    },
    "xgboost": {
        "nvidia-nccl-cu12": "lets several GPUs train together; 300 MB",
        "nvidia-nccl-cu13": "the same for newer GPUs",
    },
}
# The same XGBoost without its code for GPUs, 5 MB instead of 130, has the same versions from this one on.
_XGBOOST_CPU = "xgboost-cpu"
_FIRST_XGBOOST_CPU = (2, 1, 1)
_XGBOOST = re.compile(r"xgboost(?:==(?P<version>\d+(?:\.\d+)*))?")
_NAME = re.compile(r"[A-Za-z0-9._-]+")
# No system is called that: a package for it is for none.
_NEVER = "sys_platform == 'never'"


def name_of(requirement: str) -> str:
    """The package that a requirement is for, as PEP 503 compares names; "" if it starts with no name."""
    match = _NAME.match(requirement)
    return re.sub(r"[-_.]+", "-", match[0]).lower() if match else ""


def without_gpu(requirements: Sequence[str]) -> tuple[str, ...]:
    """The requirements, with XGBoost for processors alone if there is one of every version asked for."""
    found = [requirement for requirement in requirements if name_of(requirement) == "xgboost"]
    if not all(map(_is_for_processors, found)):
        return tuple(requirements)
    swapped = {requirement: requirement.replace("xgboost", _XGBOOST_CPU) for requirement in found}
    return tuple(sorted(swapped.get(requirement, requirement) for requirement in requirements))


def overrides(requirements: Sequence[str]) -> tuple[str, ...]:
    """What these requirements ask for in vain, as overrides that take it away from them."""
    wanted = {name_of(requirement) for requirement in requirements}
    left_out = {part for package, parts in _IN_VAIN.items() if package in wanted for part in parts}
    if _XGBOOST_CPU in wanted:
        # Both would bring the module, if another package asks for XGBoost.
        left_out.add("xgboost")
    return tuple(f"{part} ; {_NEVER}" for part in sorted(left_out - wanted))


def stand_in(package: str) -> str | None:
    """The package that brings the same module as this one, if there is any."""
    return {"xgboost": _XGBOOST_CPU, _XGBOOST_CPU: "xgboost"}.get(package)


def with_stand_ins(packages: Mapping[str, Value]) -> dict[str, Value]:
    """What is known by package, also under the names of those that bring the same modules."""
    others = {other: value for package, value in packages.items() if (other := stand_in(package))}
    return {**others, **packages}


def _is_for_processors(requirement: str) -> bool:
    """Whether there is an XGBoost without code for GPUs that will do."""
    match = _XGBOOST.fullmatch(requirement)
    if match is None or match["version"] is None:
        return match is not None
    return tuple(map(int, match["version"].split("."))) >= _FIRST_XGBOOST_CPU
