"""Files and functions stay short enough to be read at once."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).parents[1]
LONGEST_FILE = 400
LONGEST_FUNCTION = 60


def sources() -> list[Path]:
    """All Python and C that is ours, tests included."""
    folders = ("service", "infer_cli", "tests", "benchmarks")
    files = [file for folder in folders for file in (ROOT / folder).rglob("*") if file.is_file()]
    return sorted(file for file in files if file.suffix in (".py", ".c", ".h"))


def test_no_file_is_long() -> None:
    lengths = {file.relative_to(ROOT): len(file.read_text().splitlines()) for file in sources()}

    assert {file: lines for file, lines in lengths.items() if lines > LONGEST_FILE} == {}


def test_no_function_is_long() -> None:
    """The option lists of commands are not counted: an option is a line of its own, or several."""
    lengths = {
        f"{file.relative_to(ROOT)}: {node.name}": int(node.end_lineno or 0) - start_of(node, file) + 1
        for file in sources()
        if file.suffix == ".py"
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.FunctionDef)
    }

    assert {name: lines for name, lines in lengths.items() if lines > LONGEST_FUNCTION} == {}


def start_of(function: ast.FunctionDef, file: Path) -> int:
    is_command = file.parent == ROOT / "infer_cli" / "commands"
    return function.body[0].lineno if is_command else function.lineno
