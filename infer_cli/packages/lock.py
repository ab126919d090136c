"""The lock: the exact packages, versions and hashes that go into an image."""

from __future__ import annotations

import hashlib
import re
import shlex
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from packaging.requirements import InvalidRequirement, Requirement
from packaging.version import InvalidVersion

from infer_cli.errors import LockFailed
from infer_cli.packages.omissions import omission_overrides, package_name, with_drop_in_replacements
from infer_cli.packages.uv import current_python, run_uv

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from infer_cli.image.base import BaseImage

_NOTHING: Mapping[str, str] = MappingProxyType({})
_TARGET = re.compile(r"# Packages for Python (?P<python>\d+\.\d+) on (?P<platform>\S+), made by infer\.\n")
_PINNED = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^\s;\\]+)", re.MULTILINE)


@dataclass(frozen=True)
class Lock:
    """Pinned packages with their hashes, in pip's requirements format.

    The first line of a lock that infer made names its Python version and platform. `python` and `platform`
    are None in a lock of another tool.
    """

    text: str

    @property
    def python(self) -> str | None:
        """The Python version that the packages were resolved for, as `X.Y`."""
        match = _TARGET.match(self.text)
        return match["python"] if match else None

    @property
    def platform(self) -> str | None:
        """The platform that the packages were resolved for, as uv names it."""
        match = _TARGET.match(self.text)
        return match["platform"] if match else None

    def fits(self, base: BaseImage) -> bool:
        """Whether the packages fit this base image; a lock of another tool counts as fitting every one."""
        return (self.python or base.python, self.platform or base.wheel_platform) == (
            base.python,
            base.wheel_platform,
        )

    @property
    def digest(self) -> str:
        """`sha256:…` of the text."""
        return f"sha256:{hashlib.sha256(self.text.encode()).hexdigest()}"

    @property
    def pins(self) -> dict[str, str]:
        """Version by package name, sorted by name."""
        return dict(sorted((match["name"], match["version"]) for match in _PINNED.finditer(self.text)))

    @property
    def requirements(self) -> tuple[str, ...]:
        """The packages as `name==version`, sorted."""
        return tuple(f"{name}=={version}" for name, version in self.pins.items())


def resolve_lock(
    requirements: Sequence[str],
    base: BaseImage,
    *,
    preferred: Mapping[str, str] = _NOTHING,
    cache: Path | None = None,
) -> Lock:
    """Resolve `requirements` to wheels for the Python version and processor of `base`.

    `preferred` holds versions by package: uv takes such a version if it fits and has a wheel, else the
    newest version that fits. `cache` replaces uv's own cache folder; with an empty folder uv asks the index
    for every package. Raises `NothingFits` if no set of wheels satisfies the requirements, and another
    `LockFailed` if the index cannot be reached.
    """
    with tempfile.TemporaryDirectory() as name:
        # uv prefers the versions that its output file already holds.
        output, overrides = Path(name) / "requirements.lock", Path(name) / "overrides.txt"
        output.write_text("".join(f"{package}=={preferred[package]}\n" for package in sorted(preferred)))
        overrides.write_text("\n".join(omission_overrides(requirements)))
        run_uv(
            [
                "pip",
                "compile",
                "--quiet",
                "--no-header",
                "--no-annotate",
                "--generate-hashes",
                "--python",
                current_python(),
                *target_options(base),
                *(["--cache-dir", str(cache)] if cache else []),
                "--overrides",
                str(overrides),
                "--output-file",
                str(output),
                "-",
            ],
            doing=f"resolve the packages {summary(requirements)} for Python {base.python} "
            f"on {base.architecture}",
            stdin="\n".join(requirements),
        )
        text = output.read_text()
    return Lock(f"# Packages for Python {base.python} on {base.wheel_platform}, made by infer.\n{text}")


def read_lock(path: Path) -> Lock:
    """The lock in a file; raises `LockFailed` unless the file holds pinned packages with hashes."""
    try:
        lock = Lock(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise LockFailed(f"cannot read the lock {path}: {error}") from error
    if not lock.pins or "--hash=" not in lock.text:
        message = f"{path} is not a lock: it holds no pinned packages with hashes"
        raise LockFailed(message, hint="name a file that does not exist yet, and infer writes the lock there")
    return lock


def write_lock(lock: Lock, path: Path) -> None:
    """Write the lock to a new file; raises `LockFailed` if the file exists or cannot be written."""
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(lock.text)
    except OSError as error:
        raise LockFailed(f"cannot write the lock {path}: {error.strerror}") from error


def check_lock(lock: Lock, requirements: Sequence[str], *, path: Path) -> None:
    """Raise `LockFailed` unless the lock in the file `path` satisfies every requirement."""
    pins = with_drop_in_replacements({package_name(name): version for name, version in lock.pins.items()})
    wrong = []
    for requirement in requirements:
        # Only uv can judge a requirement with an environment marker, or one that names no package.
        with suppress(InvalidRequirement):
            needed = Requirement(requirement)
            found = None if needed.marker else pins.get(package_name(needed.name))
            if needed.marker is None and found is None:
                wrong.append(f"  {requirement} is missing")
            elif found is not None and not _fulfils(found, needed):
                wrong.append(f"  {requirement} is needed, and the lock has {found}")
    if wrong:
        raise LockFailed(
            f"the lock {path} does not fit the model",
            detail="\n".join(wrong),
            hint=f"remove it to have a new one made: rm {shlex.quote(str(path))}",
        )


def _fulfils(version: str, needed: Requirement) -> bool:
    """Whether a version is one that a requirement allows."""
    try:
        return needed.specifier.contains(version, prereleases=True)
    except InvalidVersion:
        return False


def target_options(base: BaseImage) -> tuple[str, ...]:
    """The options that make uv choose wheels for `base` instead of for this machine."""
    return (
        "--python-version",
        base.python,
        "--python-platform",
        base.wheel_platform,
        "--only-binary",
        ":all:",
    )


def summary(requirements: Iterable[str]) -> str:
    """The requirements on one line, for messages."""
    return ", ".join(requirements)


def requirement_lines(text: str) -> tuple[str, ...]:
    """The requirements of a requirements file, without comments."""
    stripped = (line.partition("#")[0].strip() for line in text.splitlines())
    return tuple(line for line in stripped if line)
