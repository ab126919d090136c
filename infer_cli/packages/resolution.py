"""The resolution of an image's packages: its requirements, and the versions to prefer if several fit."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from infer_cli.image.base import PYTHONS
from infer_cli.inspection import saved_beside
from infer_cli.packages.lock import resolve_lock
from infer_cli.packages.omissions import package_name, with_drop_in_replacements, without_gpu_code
from infer_cli.packages.requirements import (
    image_requirements,
    service_requirements,
    tracing_requirements,
)
from infer_cli.packages.training_environment import training_environment
from infer_cli.packages.version_sources import (
    ENVIRONMENT,
    REQUIRED,
    SAVED,
    SERVICE,
    TRACING,
    lock_version_sources,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infer_cli.assets import Assets
    from infer_cli.image.base import BaseImage
    from infer_cli.inspection import Inspection, Saved
    from infer_cli.packages.lock import Lock
    from infer_cli.packages.training_environment import Environment


@dataclass(frozen=True)
class Resolution:
    """The requirements of an image, sorted, and the versions to prefer, by package.

    `environment` holds the preferred versions; without one, none is preferred. `requested_by` says, for each
    package that the model itself does not need, what asks for the package: the service or `--require`. For a
    model that `infer_cli.save` wrote, `saved` holds the preferred versions, and there is no environment.
    """

    requirements: tuple[str, ...]
    model: Inspection | None = None
    environment: Environment | None = None
    preferred: Mapping[str, str] = field(default_factory=dict)
    requested_by: Mapping[str, str] = field(default_factory=dict)
    saved: Saved | None = None

    @property
    def pinned_requirements(self) -> tuple[str, ...]:
        """The requirements, with the preferred version of each that has none of its own."""
        names = {requirement: package_name(requirement) for requirement in self.requirements}
        return tuple(
            f"{name}=={self.preferred[name]}"
            if "==" not in requirement and name in self.preferred
            else requirement
            for requirement, name in names.items()
        )

    @property
    def pythons(self) -> tuple[str, ...]:
        """The Python versions to try, in order.

        The environment's own comes first: its package versions have wheels for it.
        """
        trained = self.saved or self.environment
        own = trained.python if trained else None
        return tuple(sorted(PYTHONS, key=lambda python: python != own))

    def resolve(self, base: BaseImage) -> Lock:
        """The lock for a base image; raises `LockFailed`."""
        return resolve_lock(self.requirements, base, preferred=self.preferred)

    def version_sources(self, lock: Lock) -> dict[str, str]:
        """The version source of each package in a lock that `resolve` returned, by package."""
        return lock_version_sources(
            lock,
            self.model,
            preferred=self.preferred,
            preferred_from=f"{SAVED} {self.saved.writer}" if self.saved else ENVIRONMENT,
            requested_by=self.requested_by,
        )


def plan_resolution(
    assets: Assets,
    model: Inspection | None,
    *,
    added: tuple[str, ...] = (),
    own_modules: frozenset[str] = frozenset(),
    use_environment: bool = True,
    tracing: bool = False,
) -> Resolution:
    """The resolution for an image that serves the model, before a base image is chosen.

    `use_environment` allows the current environment to supply preferred versions, and `tracing` adds the
    packages by which a service sends traces. Raises `ModelUnreadable`
    if the model needs a module that neither the user's code nor a known package provides.
    """
    service = service_requirements(assets)
    traces = tracing_requirements(assets) if tracing else ()
    requirements = image_requirements(assets, model, added=(*added, *traces), own_modules=own_modules)
    requested_by = {package_name(requirement): SERVICE for requirement in service}
    requested_by |= {package_name(requirement): TRACING for requirement in traces}
    requested_by |= {package_name(requirement): f"{REQUIRED}{requirement}" for requirement in added}
    saved = saved_beside(model.path) if model else None
    if saved is not None:
        known = {package_name(requirement) for requirement in requirements}
        own = {str(canonicalize_name(name)) for name in saved.requires} - known
        requested_by |= dict.fromkeys(own, "imported by the code beside the model")
        requirements = tuple(sorted({*requirements, *own}))
    environment = training_environment(model) if model and use_environment and not saved else None
    # The service's own packages say nothing about the model: the environment's versions do not matter there.
    names = [
        package_name(requirement) for requirement in requirements if requirement not in {*service, *traces}
    ]
    preferred = environment.versions_for(names) if environment else {}
    if saved is not None:
        preferred = with_drop_in_replacements(
            {canonicalize_name(name): version for name, version in saved.packages.items()}
        )
    return Resolution(
        without_gpu_code(requirements),
        model,
        environment,
        preferred,
        with_drop_in_replacements(requested_by),
        saved,
    )
