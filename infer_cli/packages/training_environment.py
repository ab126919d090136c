"""The current environment: the packages that are installed where the user works.

It is read as files lie there, and nothing of it is run.
"""

from __future__ import annotations

import os
import re
import site
import sys
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from infer_cli.inspection import requirements_of
from infer_cli.packages.omissions import stand_in, with_stand_ins

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from infer_cli.inspection import Inspection
    from infer_cli.inspection import Requirement as Need

_CONFIGURED_PYTHON = re.compile(r"^version(?:_info)?\s*=\s*(3\.\d+)", re.MULTILINE)
_FOLDER_PYTHON = re.compile(r"python(3\.\d+)")


@dataclass(frozen=True)
class Environment:
    """An environment: its folder, its Python as `X.Y`, and the folders that its packages lie in."""

    folder: Path
    python: str
    places: tuple[Path, ...]

    def has(self, needs: Iterable[Need]) -> bool:
        """Whether everything that a model needs is installed, in a version that it takes.

        Only then it is like the environment in which the model was trained.
        """
        return all(_takes(need.specifier, self.version_of(need.name)) for need in needs)

    def version_of(self, package: str) -> str | None:
        """The version of a package, None if it is not installed."""
        found = self._find(package)
        return found.version if found else None

    def versions_for(self, packages: Iterable[str]) -> dict[str, str]:
        """The versions of the packages, and of all that they ask for, sorted by name."""
        found: dict[str, str] = {}
        waiting = list(packages)
        while waiting:
            name = canonicalize_name(waiting.pop())
            distribution = None if name in found else self._find(name)
            if distribution is not None:
                found[name] = distribution.version
                waiting += _names(distribution.requires or (), self.python)
        return dict(sorted(with_stand_ins(found).items()))

    def _find(self, package: str) -> metadata.Distribution | None:
        """The package, or another that brings its module."""
        for name in (canonicalize_name(package), stand_in(canonicalize_name(package))):
            # Of several, Python imports the first. What an interrupted installation left has no version.
            for found in metadata.distributions(name=name, path=list(map(str, self.places))) if name else ():
                if "Version" in found.metadata and _is_version(found.version):
                    return found
        return None


def training_environment(model: Inspection) -> Environment | None:
    """The current environment, if the model may have been trained in it."""
    environment = current_environment()
    is_like_it = environment is not None and environment.has(requirements_of(model))
    return environment if is_like_it else None


def current_environment() -> Environment | None:
    """The environment that is active, else the one that infer itself runs in; None if it cannot be read."""
    for variable in ("VIRTUAL_ENV", "CONDA_PREFIX"):
        if chosen := os.environ.get(variable):
            return read_environment(Path(chosen))
    python = ".".join(map(str, sys.version_info[:2]))
    return Environment(Path(sys.prefix), python, tuple(map(Path, site.getsitepackages())))


def read_environment(folder: Path) -> Environment | None:
    """The environment in a folder, None if there is none."""
    pythons = {
        match[1]: path
        for path in sorted(folder.glob("lib/python3.*/site-packages"))
        if (match := _FOLDER_PYTHON.fullmatch(path.parent.name))
    }
    if not pythons:
        return None
    python = _configured_python(folder)
    if python not in pythons:
        python = max(pythons, key=Version)
    return Environment(folder, python, (pythons[python],))


def _configured_python(folder: Path) -> str:
    try:
        match = _CONFIGURED_PYTHON.search((folder / "pyvenv.cfg").read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        return ""
    return match[1] if match else ""


def _names(requirements: Iterable[str], python: str) -> Iterator[str]:
    """The packages that are asked for always, not just with an extra."""
    for text in requirements:
        try:
            requirement = Requirement(text)
        except InvalidRequirement:
            continue
        if requirement.marker is None or requirement.marker.evaluate({"extra": "", "python_version": python}):
            yield requirement.name


def _is_version(text: str) -> bool:
    try:
        Version(text)
    except InvalidVersion:
        return False
    return True


def _takes(specifier: str, version: str | None) -> bool:
    return version is not None and SpecifierSet(specifier).contains(version, prereleases=True)
