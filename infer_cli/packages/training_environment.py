"""The current environment: the Python environment that the user works in, with its installed packages.

infer reads the metadata files of the packages and runs no code of the environment.
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
from infer_cli.packages.omissions import drop_in_replacement, with_drop_in_replacements

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from infer_cli.inspection import Inspection
    from infer_cli.inspection import Requirement as Need

_CONFIGURED_PYTHON = re.compile(r"^version(?:_info)?\s*=\s*(3\.\d+)", re.MULTILINE)
_FOLDER_PYTHON = re.compile(r"python(3\.\d+)")


@dataclass(frozen=True)
class Environment:
    """A Python environment: its folder, its Python version as `X.Y`, and its `site-packages` folders."""

    folder: Path
    python: str
    site_packages: tuple[Path, ...]

    def satisfies(self, needs: Iterable[Need]) -> bool:
        """Whether every package that a model needs is installed, in a version that the model accepts.

        If so, the model may have been trained in this environment.
        """
        return all(_accepts(need.specifier, self.version_of(need.name)) for need in needs)

    def version_of(self, package: str) -> str | None:
        """The installed version of a package or of its drop-in replacement, or None."""
        found = self._find(package)
        return found.version if found else None

    def versions_for(self, packages: Iterable[str]) -> dict[str, str]:
        """The installed versions of the packages and of all their dependencies, sorted by name."""
        found: dict[str, str] = {}
        pending = list(packages)
        while pending:
            name = canonicalize_name(pending.pop())
            distribution = None if name in found else self._find(name)
            if distribution is not None:
                found[name] = distribution.version
                pending += _dependencies(distribution.requires or (), self.python)
        return dict(sorted(with_drop_in_replacements(found).items()))

    def _find(self, package: str) -> metadata.Distribution | None:
        """The installed package, or else its drop-in replacement."""
        folders = list(map(str, self.site_packages))
        for name in (canonicalize_name(package), drop_in_replacement(canonicalize_name(package))):
            # Python imports from the first folder that has the package. An interrupted installation may
            # leave metadata without a version: it does not count.
            for found in metadata.distributions(name=name, path=folders) if name else ():
                if "Version" in found.metadata and _is_version(found.version):
                    return found
        return None


def training_environment(model: Inspection) -> Environment | None:
    """The current environment, if the model may have been trained in it."""
    environment = current_environment()
    if environment is None or not environment.satisfies(requirements_of(model)):
        return None
    return environment


def current_environment() -> Environment | None:
    """The active environment (venv or conda), else the one that infer runs in; None if it cannot be read."""
    for variable in ("VIRTUAL_ENV", "CONDA_PREFIX"):
        if chosen := os.environ.get(variable):
            return read_environment(Path(chosen))
    python = ".".join(map(str, sys.version_info[:2]))
    return Environment(Path(sys.prefix), python, tuple(map(Path, site.getsitepackages())))


def read_environment(folder: Path) -> Environment | None:
    """The environment in a folder, or None if the folder holds none."""
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
    """The Python version that `pyvenv.cfg` names, as `X.Y`; "" if it names none."""
    try:
        match = _CONFIGURED_PYTHON.search((folder / "pyvenv.cfg").read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        return ""
    return match[1] if match else ""


def _dependencies(requirements: Iterable[str], python: str) -> Iterator[str]:
    """The names of the packages that the requirements ask for without an extra, on this Python version."""
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


def _accepts(specifier: str, version: str | None) -> bool:
    return version is not None and SpecifierSet(specifier).contains(version, prereleases=True)
