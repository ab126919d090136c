"""The user's own modules that a model needs: those that no installed package brings."""

from __future__ import annotations

import ast
import shutil
import sys
import sysconfig
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_INSTALLED = ("site-packages", "dist-packages")
_LEFT_OUT = ("__pycache__", ".*", "*.pyc")


def copy_own_modules(names: Iterable[str], texts: Iterable[str], target: Path) -> set[str]:
    """Copy the own modules among `names`, and those that `texts` and they import, into `target`.

    `names` are top-level modules, `texts` Python source. Gives the other modules that are imported, without
    those of the standard library.
    """
    pending, seen, others = [*names], set[str](), set[str]()
    pending += [name for text in texts for name in imported_modules(text)]
    while pending:
        name = pending.pop()
        if name in seen or name in sys.stdlib_module_names or name == "__main__":
            continue
        seen.add(name)
        own = own_source(name)
        if own is None:
            others.add(name)
            continue
        target.mkdir(exist_ok=True)
        if own.is_dir():
            shutil.copytree(own, target / own.name, ignore=shutil.ignore_patterns(*_LEFT_OUT))
        else:
            shutil.copy(own, target / own.name)
        for file in [own] if own.is_file() else sorted(own.rglob("*.py")):
            pending += imported_modules(file.read_text(encoding="utf-8"))
    return others


def own_source(name: str) -> Path | None:
    """Give the file or folder of a top-level module that the user wrote; None for any other module."""
    try:
        spec = find_spec(name)
    except (ImportError, ValueError):
        return None
    if spec is None:
        return None
    if spec.origin and spec.origin.endswith(".py"):
        file = Path(spec.origin).resolve()
        path = file.parent if spec.submodule_search_locations else file
    elif spec.origin is None:
        # A package without __init__.py, which may lie in several folders, and in one of them by two paths.
        places = {Path(place).resolve() for place in spec.submodule_search_locations or ()}
        own = [place for place in places if not _is_installed(place)]
        return own[0] if len(own) == 1 else None
    else:
        return None
    return None if _is_installed(path) else path


def _is_installed(path: Path) -> bool:
    """Tell whether a package or Python itself brings what lies here."""
    library = [Path(sysconfig.get_path(key)).resolve() for key in ("stdlib", "platstdlib")]
    return _is_library(path.parent) or any(path.is_relative_to(folder) for folder in library)


def library_folders() -> list[str]:
    """Give the folders of `sys.path` that installed packages lie in."""
    return [folder for folder in sys.path if folder and _is_library(Path(folder))]


def _is_library(folder: Path) -> bool:
    if any(part in _INSTALLED for part in folder.parts):
        return True
    # As `pip install --target` and some notebook services have them.
    return any(folder.glob("*.dist-info"))


def imported_modules(text: str) -> Iterator[str]:
    """Give the top-level modules that a source imports."""
    try:
        tree = ast.parse(text)
    except SyntaxError:
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            yield node.module.partition(".")[0]


def distributions_of(modules: Iterable[str]) -> dict[str, str]:
    """Give the installed packages that bring these top-level modules, with their versions."""
    packages = metadata.packages_distributions()
    found = {name for module in modules for name in packages.get(module, ())}
    return {name: metadata.version(name) for name in sorted(found)}
