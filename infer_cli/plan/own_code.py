"""The user's own modules (`--code`): a model may need modules that no package provides."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from infer_cli.errors import InferError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# Folders of generated files, which no model needs.
_LEFT_OUT = {"__pycache__", "node_modules"}


@dataclass(frozen=True)
class OwnCode:
    """The files of the user's own code, and the names of its top-level modules.

    Each file is its path in `layout.CODE_FOLDER` and its source on this machine, sorted by the path.
    """

    files: tuple[tuple[PurePosixPath, Path], ...] = ()
    modules: frozenset[str] = frozenset()


def collect_code(paths: Iterable[Path]) -> OwnCode:
    """The code at `paths`.

    Each path is a package (a folder with `__init__.py`), a module (a file), or a folder of packages and
    modules. Raises `InferError` if a path holds no Python code, or if two files would get the same path.
    """
    sources: dict[PurePosixPath, Path] = {}
    for path in paths:
        found = dict(_files_of(path.resolve()))
        if not any(target.suffix == ".py" for target in found):
            raise InferError(
                f"there is no Python code at {path}", hint="--code takes a package, a module or a folder"
            )
        for target, file in found.items():
            if sources.setdefault(target, file) != file:
                raise InferError(
                    f"{sources[target]} and {file} would be the same module", hint="rename one of them"
                )
    modules = {target.parts[0].removesuffix(".py") for target in sources if target.suffix == ".py"}
    return OwnCode(tuple(sorted(sources.items())), frozenset(modules))


def _files_of(path: Path) -> Iterator[tuple[PurePosixPath, Path]]:
    """The files of one `--code` path: for each its path in the image's code folder, and its source."""
    if path.is_file():
        yield PurePosixPath(path.name), path
        return
    root = path.parent if (path / "__init__.py").exists() else path
    for file in sorted(path.rglob("*")):
        relative = file.relative_to(root)
        is_hidden = any(part.startswith(".") or part in _LEFT_OUT for part in relative.parts)
        if file.is_file() and not is_hidden:
            yield PurePosixPath(relative.as_posix()), file
