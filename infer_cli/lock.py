"""The lock: the exact packages, versions and hashes that go into an image."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from infer_cli.uv import current_python, run_uv

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from infer_cli.base import BaseImage

_PINNED = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>[^\s;\\]+)", re.MULTILINE)


@dataclass(frozen=True)
class Lock:
    """Pinned packages with hashes, in pip's requirements format."""

    text: str

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


def resolve_lock(requirements: Sequence[str], base: BaseImage, *, cache: Path | None = None) -> Lock:
    """Resolve `requirements` for the Python and processor of `base`, to wheels only.

    `cache` is the folder to use instead of uv's own; an empty one makes it ask the index.
    Raises `LockFailed` if no set of wheels satisfies them, or the index cannot be reached.
    """
    text = run_uv(
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
            "-",
        ],
        doing=f"resolve the packages {summary(requirements)} for Python {base.python} on {base.architecture}",
        given="\n".join(requirements),
    )
    return Lock(text)


def target_options(base: BaseImage) -> tuple[str, ...]:
    """The options by which uv chooses wheels for `base` instead of for this machine."""
    return (
        "--python-version",
        base.python,
        "--python-platform",
        base.wheel_platform,
        "--only-binary",
        ":all:",
    )


def summary(requirements: Iterable[str]) -> str:
    """The requirements in one line."""
    return ", ".join(requirements)


def requirement_lines(text: str) -> tuple[str, ...]:
    """The requirements of a requirements file, without comments."""
    stripped = (line.partition("#")[0].strip() for line in text.splitlines())
    return tuple(line for line in stripped if line)
