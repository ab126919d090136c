"""The source of `__main__`: of a script, or of the cells of a notebook that were run.

Only definitions of the module itself are found, also in its `if`, `try`, `with` and `for` statements, and not
those inside a function.
"""

from __future__ import annotations

import ast
import importlib.util
import linecache
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from infer_cli.saving.failure import SaveFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from types import FunctionType

# The magics of IPython that run their cell in the notebook itself.
_PYTHON_MAGICS = ("capture", "prun", "time")


@dataclass(frozen=True)
class Definition:
    """The source of a class or function; it starts in the `line` of `text`, a script or a cell."""

    source: str
    text: str
    line: int


class MainSource:
    """The statements of `__main__` that bind a name, by the name.

    `definitions` are all of a class or function, in their order; `assignments` the last of a variable.
    `imports` are complete statements, each of which binds one name. `uses_future_annotations` says that
    annotations are not evaluated.
    """

    def __init__(self, texts: list[str], package: str = "") -> None:
        self.definitions: dict[str, list[Definition]] = {}
        self.assignments: dict[str, str] = {}
        self.imports: dict[str, list[str]] = {}
        self.uses_future_annotations = False
        self._package = package
        for text in texts:
            self._read_all(text)

    @classmethod
    def of_this_process(cls) -> MainSource:
        """Read the source of the running script or notebook; nothing is found of other programs."""
        main = sys.modules["__main__"]
        cells = getattr(main, "In", None)
        if "get_ipython" in vars(main) and isinstance(cells, list):
            return cls([str(cell) for cell in cells])
        file = getattr(main, "__file__", None)
        texts = [Path(file).read_text(encoding="utf-8-sig")] if file and Path(file).is_file() else []
        return cls(texts, str(getattr(main, "__package__", None) or ""))

    def _read_all(self, text: str) -> None:
        try:
            tree = ast.parse(text)
        except SyntaxError:
            # A cell that did not run.
            return
        for statement in _statements(tree.body):
            cell = _cell_of_magic(statement)
            if cell is not None:
                self._read_all(cell)
            self._read(statement, text)

    def _read(self, statement: ast.stmt, text: str) -> None:
        if isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            self.definitions.setdefault(statement.name, []).append(_definition(statement, text))
        elif isinstance(statement, (ast.Assign, ast.AnnAssign)) and statement.value is not None:
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            if len(targets) == 1 and isinstance(targets[0], ast.Name):
                value = ast.get_source_segment(text, statement.value) or ""
                self.assignments[targets[0].id] = f"{targets[0].id} = ({value})\n"
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


def _cell_of_magic(statement: ast.stmt) -> str | None:
    """Give the cell that a magic such as %%time has run: IPython makes a call with its text of it."""
    call = statement.value if isinstance(statement, ast.Expr) else None
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Attribute):
        return None
    texts = [argument.value for argument in call.args if isinstance(argument, ast.Constant)]
    is_cell = call.func.attr == "run_cell_magic" and texts and texts[0] in _PYTHON_MAGICS
    return str(texts[-1]) if is_cell else None


def _definition(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef, text: str) -> Definition:
    first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
    source = "\n".join(text.splitlines()[first - 1 : node.end_lineno]).rstrip() + "\n"
    if node.col_offset:
        # Within an `if`: the lines of a text that runs over several lines must keep their blanks.
        source = f"if True:\n{source}"
    return Definition(source, text, first)


def lambda_source(function: FunctionType, literal: Callable[[object], str]) -> str:
    """Give the expression of a lambda, with its defaults as `literal` writes them.

    Raises `SaveFailed` if it is not found.
    """
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
            return _with_defaults(node, function, literal) or (f"({source})" if "\n" in source else source)
    message = f"the source of the lambda in line {code.co_firstlineno} is not found"
    raise SaveFailed(
        message, hint="define a function with def, at the top level of the script, and train again"
    )


def _with_defaults(node: ast.Lambda, function: FunctionType, literal: Callable[[object], str]) -> str | None:
    """Give the expression with the values that the defaults had; None if each stands there as such."""
    written = [*node.args.defaults, *(one for one in node.args.kw_defaults if one is not None)]
    if all(isinstance(one, ast.Constant) for one in written):
        return None
    values = [ast.parse(literal(value), mode="eval").body for value in function.__defaults__ or ()]
    named = function.__kwdefaults__ or {}
    node.args.defaults = list(values)
    node.args.kw_defaults = [
        ast.parse(literal(named[one.arg]), mode="eval").body if one.arg in named else None
        for one in node.args.kwonlyargs
    ]
    return ast.unparse(node)


def main_globals() -> Mapping[str, object]:
    """Give the global names of the running script or notebook."""
    return vars(sys.modules["__main__"])
