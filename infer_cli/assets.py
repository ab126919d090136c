"""Finds the files that lie beside the package in a checkout, and inside it once it is installed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Assets:
    """The paths of the files that infer puts into every image."""

    template: Path
    service: Path

    @property
    def finish(self) -> Path:
        """The script that runs in each build; the service does not use it."""
        return self.service / "finish_image.py"

    @property
    def calls(self) -> Path:
        """With which arguments a model file may call names. Both the service and infer read it."""
        return self.service / "calls.txt"

    @property
    def attributes(self) -> Path:
        """What the attributes of each known class may hold."""
        return self.service / "attributes.txt"

    @property
    def parameters(self) -> Path:
        """The largest numbers that parameters of a model may be. Both the service and infer read it."""
        return self.service / "parameters.txt"

    @property
    def policy(self) -> Path:
        """The allow-list: names that a model file may hold. Both the service and infer read it."""
        return self.service / "policy.txt"

    @property
    def example(self) -> Path:
        """The script that `infer init` writes."""
        return self.template.parent / "examples" / "iris" / "train.py"

    def service_files(self, machine: str) -> tuple[Path, ...]:
        """The files of the service, relative to its folder, sorted.

        Bytecode, hidden files and C sources are left out, and also libraries for a processor other than
        `machine`, which `uname -m` prints.
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
