"""The texts of both packages that tell a command, an option or a line of Python, read from the source."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[1]
PYTHON = r"python -c|\bimport joblib|joblib\.dump\(|\.fit\(|save_model\b"
OTHER = r"\bdocker (login|system|context|pull|rm|build)|\bcurl |\bchmod |`apt-get|brew "
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*")


def texts() -> Iterator[tuple[str, str]]:
    """Go through all strings but docstrings and the texts of options: each with its file.

    What a text computes is `{}`.
    """
    for package in ("infer_cli", "service"):
        for path in sorted((ROOT / package).rglob("*.py")):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            inner = set(_inner(tree))
            for node in ast.walk(tree):
                text = None if id(node) in inner else _text(node)
                if text is not None:
                    yield path.relative_to(ROOT).as_posix(), text


def _inner(tree: ast.AST) -> Iterator[int]:
    for node in ast.walk(tree):
        is_option = isinstance(node, ast.Call) and ast.unparse(node.func) in {
            "typer.Option",
            "typer.Argument",
        }
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            yield id(node.value)
        elif is_option:
            yield from map(id, ast.walk(node))
        elif isinstance(node, ast.JoinedStr):
            yield from map(id, node.values)


def _text(node: ast.AST) -> str | None:
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr():
            return "".join(
                str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values
            )
    return None
