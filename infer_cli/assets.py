"""Where `Dockerfile.template` and `service/` are: beside the package in a checkout, inside it otherwise."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Assets:
    """The files that infer brings to every image."""

    template: Path
    service: Path

    @property
    def finish(self) -> Path:
        """The script that finishes an image while it is built; it is no part of the service."""
        return self.service / "finish_image.py"

    @property
    def policy(self) -> Path:
        """What a model file may name: the service loads by it, and infer judges by it."""
        return self.service / "policy.txt"

    def service_files(self, machine: str) -> tuple[Path, ...]:
        """The files of the service relative to its folder, sorted; without what Python or an editor left.

        Of what was compiled, only the library for `machine` (as `uname -m` says it), and no sources.
        """
        files = (path for path in self.service.rglob("*") if path.is_file() and path != self.finish)
        relative = (path.relative_to(self.service) for path in files)
        return tuple(
            sorted(
                path
                for path in relative
                if "__pycache__" not in path.parts
                and not path.name.startswith(".")
                and path.suffix not in (".c", ".h")
                and (path.suffix != ".so" or path.stem == machine)
            )
        )


def find_assets() -> Assets:
    """The assets of this installation."""
    installed = _PACKAGE / "assets"
    root = installed if installed.is_dir() else _PACKAGE.parent
    return Assets(template=root / "Dockerfile.template", service=root / "service")
