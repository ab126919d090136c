"""What must go into an image, and the versions that are preferred where nothing demands one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from infer_cli.image.base import PYTHONS
from infer_cli.packages.lock import resolve_lock
from infer_cli.packages.omissions import name_of, with_stand_ins, without_gpu
from infer_cli.packages.requirements import image_requirements, service_requirements
from infer_cli.packages.training_environment import training_environment
from infer_cli.packages.version_sources import sources_of_lock

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infer_cli.assets import Assets
    from infer_cli.image.base import BaseImage
    from infer_cli.inspection import Inspection
    from infer_cli.packages.lock import Lock
    from infer_cli.packages.training_environment import Environment


@dataclass(frozen=True)
class Wanted:
    """The requirements of an image, sorted, and the versions by package that are preferred.

    `environment` is where those come from, None if nowhere. `others` says of packages that the model does
    not ask for who does.
    """

    requirements: tuple[str, ...]
    model: Inspection | None = None
    environment: Environment | None = None
    preferred: Mapping[str, str] = field(default_factory=dict)
    others: Mapping[str, str] = field(default_factory=dict)

    @property
    def pythons(self) -> tuple[str, ...]:
        """The Pythons to try, the best first: there are wheels of the environment's versions for its own."""
        own = self.environment.python if self.environment else None
        return tuple(sorted(PYTHONS, key=lambda python: python != own))

    def resolve(self, base: BaseImage) -> Lock:
        """The lock for a base image; raises `LockFailed`."""
        return resolve_lock(self.requirements, base, preferred=self.preferred)

    def sources(self, lock: Lock) -> dict[str, str]:
        """Where the version of each package of such a lock comes from."""
        return sources_of_lock(lock, self.model, preferred=self.preferred, others=self.others)


def wanted_packages(
    assets: Assets,
    model: Inspection | None,
    *,
    added: tuple[str, ...] = (),
    own_modules: frozenset[str] = frozenset(),
    use_environment: bool = True,
) -> Wanted:
    """What an image for the model needs; `use_environment` says whether the current one may tell versions.

    Raises `ModelUnreadable` if the model needs modules that are neither there nor in a known package.
    """
    service = service_requirements(assets)
    requirements = image_requirements(assets, model, added=added, own_modules=own_modules)
    others = {name_of(requirement): "needed by the service" for requirement in service}
    others |= {name_of(requirement): f"--require {requirement}" for requirement in added}
    environment = training_environment(model) if model and use_environment else None
    # What the service needs for itself is no matter of the model's environment.
    names = [name_of(requirement) for requirement in requirements if requirement not in service]
    return Wanted(
        without_gpu(requirements),
        model,
        environment,
        environment.versions_for(names) if environment else {},
        with_stand_ins(others),
    )
