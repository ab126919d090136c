"""What the user's own code imports, read from its source: the image needs these packages too."""

from __future__ import annotations

import ast
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path, PurePosixPath

    from infer_cli.inspection import Inspection
    from infer_cli.plan.own_code import OwnCode


def with_code_imports(model: Inspection | None, code: OwnCode) -> Inspection | None:
    """Give the inspection with the top-level modules that the model's own code imports."""
    if model is None or not code.files:
        return model
    found = imports_of(code, {name.module for name in model.globals})
    return replace(model, code_modules=tuple(sorted(found)))


def imports_of(code: OwnCode, used: set[str]) -> set[str]:
    """Give the top-level modules that the used modules of the code import, themselves or through each other.

    Left out are the code's own modules and Python's. An import that may fail (in `try`) does not count, and
    neither does one for type checkers alone.
    """
    sources = {_module_name(path): source for path, source in code.files if path.suffix == ".py"}
    found: set[str] = set()
    waiting = [module for name in used for module in _with_parents(name)]
    seen: set[str] = set()
    while waiting:
        module = waiting.pop()
        if module in seen or module not in sources:
            continue
        seen.add(module)
        for name in _imports(sources[module], module):
            waiting += _with_parents(name)
            found.add(name.partition(".")[0])
    return found - code.modules - sys.stdlib_module_names


def _module_name(path: PurePosixPath) -> str:
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _with_parents(name: str) -> list[str]:
    parts = name.split(".")
    return [".".join(parts[:end]) for end in range(1, len(parts) + 1)]


def _imports(source: Path, module: str) -> list[str]:
    """Give the full names that a source imports: modules, and what may be a module of a package."""
    try:
        tree = ast.parse(source.read_bytes())
    except (OSError, SyntaxError, ValueError):
        # The service says what is wrong with the code, when it loads the code.
        return []
    package = module if source.name == "__init__.py" else module.rpartition(".")[0]
    return [name for node in _certain(tree) for name in _names(node, package)]


def _certain(node: ast.AST) -> Iterator[ast.AST]:
    """Go through the parts of a source, without those that a failing import does not stop."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Try):
            continue
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test):
            continue
        yield child
        yield from _certain(child)


def _names(node: ast.AST, package: str) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if not isinstance(node, ast.ImportFrom):
        return []
    parents = package.split(".") if package else []
    base = ".".join(parents[: len(parents) - node.level + 1]) if node.level else ""
    whole = ".".join(part for part in (base, node.module or "") if part)
    return [whole, *(f"{whole}.{alias.name}" for alias in node.names)] if whole else []
