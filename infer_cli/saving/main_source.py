"""The source of `__main__`: of a script, or of the cells of a notebook that were run.

Only definitions of the module itself are found, also in its `if`, `try`, `with` and `for` statements, and not
those inside a function.
"""

from __future__ import annotations

import ast
import importlib.util
import linecache
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

from infer_cli.saving.failure import SaveFailed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import FunctionType


class MainSource:
    """The statements of `__main__` that bind a name, by the name: the last one counts.

    `imports` are complete statements, each of which binds one name. `uses_future_annotations` says that
    annotations are not evaluated.
    """

    def __init__(self, texts: list[str], package: str = "") -> None:
        self.definitions: dict[str, str] = {}
        self.imports: dict[str, list[str]] = {}
        self.uses_future_annotations = False
        self._package = package
        for text in texts:
            try:
                tree = ast.parse(text)
            except SyntaxError:
                # A cell that did not run.
                continue
            for statement in _statements(tree.body):
                self._read(statement, text)

    @classmethod
    def of_this_process(cls) -> MainSource:
        """Read the source of the running script or notebook; nothing is found of other programs."""
        main = sys.modules["__main__"]
        cells = getattr(main, "In", None)
        if "get_ipython" in vars(main) and isinstance(cells, list):
            return cls([str(cell) for cell in cells])
        file = getattr(main, "__file__", None)
        texts = [Path(file).read_text(encoding="utf-8")] if file and Path(file).is_file() else []
        return cls(texts, str(getattr(main, "__package__", None) or ""))

    def _read(self, statement: ast.stmt, text: str) -> None:
        if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            self.definitions[statement.name] = _source_of(statement, text)
        elif isinstance(statement, ast.Import):
            for alias in statement.names:
                if alias.asname:
                    self.imports[alias.asname] = [f"import {alias.name} as {alias.asname}"]
                else:
                    bound = alias.name.partition(".")[0]
                    self.imports.setdefault(bound, []).append(f"import {alias.name}")
        elif isinstance(statement, ast.ImportFrom):
            self._read_import_from(statement)

    def _read_import_from(self, statement: ast.ImportFrom) -> None:
        module = "." * statement.level + (statement.module or "")
        if statement.level:
            module = importlib.util.resolve_name(module, self._package)
        if module == "__future__":
            self.uses_future_annotations |= any(alias.name == "annotations" for alias in statement.names)
            return
        for alias in statement.names:
            if alias.name != "*":
                renamed = f" as {alias.asname}" if alias.asname else ""
                line = f"from {module} import {alias.name}{renamed}"
                self.imports[alias.asname or alias.name] = [line]


def _statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Give the statements of a module, also those in compound statements."""
    for statement in body:
        yield statement
        if isinstance(statement, (ast.If, ast.Try, ast.With, ast.For, ast.While)):
            for field in ("body", "orelse", "finalbody"):
                yield from _statements(getattr(statement, field, []))
            for handler in getattr(statement, "handlers", []):
                yield from _statements(handler.body)


def _source_of(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef, text: str) -> str:
    first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
    return textwrap.dedent("\n".join(text.splitlines()[first - 1 : node.end_lineno])).rstrip() + "\n"


def lambda_source(function: FunctionType) -> str:
    """Give the expression of a lambda; raise `SaveFailed` if it is not found."""
    code = function.__code__
    # Scripts and cells of notebooks alike.
    text = "".join(linecache.getlines(code.co_filename))
    # The parts of the expression where the instructions come from: one of them is the whole expression.
    parts = {(start, column, end, end_column) for start, end, column, end_column in code.co_positions()}
    try:
        nodes = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Lambda)]
    except SyntaxError:
        nodes = []
    for node in nodes:
        body = node.body
        place = (body.lineno, body.col_offset, body.end_lineno, body.end_col_offset)
        names = [
            argument.arg for argument in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)
        ]
        if place in parts and code.co_varnames[: len(names)] == tuple(names):
            source = ast.get_source_segment(text, node) or ""
            return " ".join(line.strip() for line in source.splitlines())
    message = f"the source of the lambda in line {code.co_firstlineno} is not found"
    raise SaveFailed(
        message, hint="define a function with def, at the top level of the script, and train again"
    )


def main_globals() -> Mapping[str, object]:
    """Give the global names of the running script or notebook."""
    return vars(sys.modules["__main__"])
