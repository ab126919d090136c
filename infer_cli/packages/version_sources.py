"""Where the version of each package comes from.

A version that the model file records, or a range deduced from it, is a must. Within that, the version of the
current environment is preferred if the model may have been trained there; else it is the newest that fits.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from infer_cli.inspection import requirements_of
from infer_cli.packages.omissions import with_stand_ins

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infer_cli.inspection import Inspection, Requirement
    from infer_cli.packages.lock import Lock
    from infer_cli.packages.training_environment import Environment

RECORDED = "recorded in the file"
DEDUCED = "deduced"
ENVIRONMENT = "the current environment"
NEWEST = "newest that fits"


@dataclass(frozen=True, slots=True)
class Source:
    """A package that a model needs, and where its version comes from.

    `specifier` are the versions that will do ("" for any), and `reason` says why just these, or why it is
    needed at all. `version` is None where the index decides.
    """

    package: str
    specifier: str
    version: str | None
    source: str
    reason: str

    def __str__(self) -> str:
        named = f"{self.package}=={self.version}" if self.version else f"{self.package}{self.specifier}"
        return f"{named}  ({self._why})"

    @property
    def _why(self) -> str:
        if self.source == RECORDED:
            return self.source
        if self.source == ENVIRONMENT and self.specifier:
            return f"{self.source}; {DEDUCED} {self.specifier}: {self.reason}"
        return f"{self.source}{':' if self.source == DEDUCED else ';'} {self.reason}"

    def as_dict(self) -> dict[str, str | None]:
        """Give it as JSON would hold it."""
        return asdict(self)


def sources_of(model: Inspection, environment: Environment | None) -> tuple[Source, ...]:
    """Where the version of each package that the model needs would come from, sorted by package."""
    return tuple(_source_of(need, environment) for need in requirements_of(model))


def sources_of_lock(
    lock: Lock,
    model: Inspection | None,
    *,
    preferred: Mapping[str, str],
    others: Mapping[str, str],
) -> dict[str, str]:
    """Where each version in a lock comes from, by package.

    `preferred` are the versions of the current environment; `others` says who asks for packages that the
    model does not decide.
    """
    needs = with_stand_ins({need.name: need for need in requirements_of(model)} if model else {})
    found = {}
    for package, version in lock.pins.items():
        need = needs.get(package)
        if need is not None and need.is_recorded:
            found[package] = RECORDED
        elif package in others:
            found[package] = others[package]
        elif preferred.get(package) == version:
            found[package] = ENVIRONMENT
        else:
            found[package] = (
                f"{NEWEST}, {need.specifier}: {need.reason}" if need and need.specifier else NEWEST
            )
    return found


def _source_of(need: Requirement, environment: Environment | None) -> Source:
    installed = environment.version_of(need.name) if environment else None
    if need.is_recorded:
        return Source(need.name, need.specifier, need.specifier.removeprefix("=="), RECORDED, need.reason)
    if installed is not None:
        return Source(need.name, need.specifier, installed, ENVIRONMENT, need.reason)
    return Source(need.name, need.specifier, None, DEDUCED if need.specifier else NEWEST, need.reason)
