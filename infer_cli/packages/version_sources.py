"""Version sources: where the version of each package in an image comes from.

A version that the model file records, or a range that infer deduces from the file, is binding. Among the
versions that remain, infer prefers the one of the current environment, if the model may have been trained
there. Otherwise it takes the newest version that fits.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from infer_cli.inspection import requirements_of
from infer_cli.packages.omissions import with_drop_in_replacements

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infer_cli.inspection import Inspection, Requirement
    from infer_cli.packages.lock import Lock
    from infer_cli.packages.training_environment import Environment

RECORDED = "recorded in the file"
DEDUCED = "deduced"
ENVIRONMENT = "the current environment"
# Followed by what wrote the folder.
SAVED = "recorded by"
NEWEST = "newest that fits"
# What asks for a package that the model itself does not need.
SERVICE = "needed by the service"
TRACING = "--tracing"
# Followed by the requirement, and by the path of the lock.
REQUIRED = "--require "
LOCKED = "--lock "


@dataclass(frozen=True, slots=True)
class VersionSource:
    """A package that a model needs, and the source of its version.

    `specifier` is the range of versions that fit, in PEP 440's form ("" for any). `version` is None if the
    package index decides. `reason` says why the model needs this range, or why it needs the package at all.
    The field names are the keys of `infer inspect --json`.
    """

    package: str
    specifier: str
    version: str | None
    source: str
    reason: str

    def __str__(self) -> str:
        pinned = f"{self.package}=={self.version}" if self.version else f"{self.package}{self.specifier}"
        return f"{pinned}  ({self._why})"

    @property
    def _why(self) -> str:
        if self.source == RECORDED:
            return self.source
        if self.source == ENVIRONMENT and self.specifier:
            return f"{self.source}; {DEDUCED} {self.specifier}: {self.reason}"
        return f"{self.source}{':' if self.source == DEDUCED else ';'} {self.reason}"

    def as_dict(self) -> dict[str, str | None]:
        """The fields as a JSON object."""
        return asdict(self)


def version_sources(model: Inspection, environment: Environment | None) -> tuple[VersionSource, ...]:
    """The version source of each package that the model needs, before any resolution, sorted by package."""
    return tuple(_version_source(need, environment) for need in requirements_of(model))


def lock_version_sources(
    lock: Lock,
    model: Inspection | None,
    *,
    preferred: Mapping[str, str],
    requested_by: Mapping[str, str],
    preferred_from: str = ENVIRONMENT,
) -> dict[str, str]:
    """The version source of each package in a lock, by package.

    `preferred` holds the versions of the current environment, or of the source `preferred_from`, by package.
    `requested_by` says, for each package that the model does not need, what asks for the package.
    """
    needs = with_drop_in_replacements({need.name: need for need in requirements_of(model)} if model else {})
    found = {}
    for package, version in lock.pins.items():
        need = needs.get(package)
        if need is not None and need.is_recorded:
            found[package] = RECORDED
        elif package in requested_by:
            found[package] = requested_by[package]
        elif preferred.get(package) == version:
            found[package] = preferred_from
        else:
            found[package] = (
                f"{NEWEST}, {need.specifier}: {need.reason}" if need and need.specifier else NEWEST
            )
    return found


def _version_source(need: Requirement, environment: Environment | None) -> VersionSource:
    installed = environment.version_of(need.name) if environment else None
    if need.is_recorded:
        recorded = need.specifier.removeprefix("==")
        return VersionSource(need.name, need.specifier, recorded, RECORDED, need.reason)
    if installed is not None:
        return VersionSource(need.name, need.specifier, installed, ENVIRONMENT, need.reason)
    source = DEDUCED if need.specifier else NEWEST
    return VersionSource(need.name, need.specifier, None, source, need.reason)
