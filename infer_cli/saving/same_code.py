"""Whether the source of a definition is what a class or function runs.

A script may be edited while it runs, may define a name twice, and may change a class after its definition.
"""

from __future__ import annotations
import __future__

import ast
import inspect
from functools import lru_cache
from types import CodeType, FunctionType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infer_cli.saving.main_source import Definition

_PLAIN = (bool, int, float, complex, str, bytes, tuple, list, dict, set, frozenset, type(None))


def changed_part(definition: Definition, value: object, *, uses_future_annotations: bool) -> str | None:
    """Name what a class or function has otherwise than its source says; None if they agree."""
    code = _compiled(definition.text, uses_future_annotations=uses_future_annotations)
    if code is None:
        return None
    if isinstance(value, type):
        body = _at(code, value.__name__, definition.line)
        return None if body is None else _changed_part_of_class(definition.source, body, value)
    function = inspect.unwrap(value) if callable(value) else None
    if not isinstance(function, FunctionType):
        return None
    mine = _at(code, function.__code__.co_name, definition.line)
    # A decorator may have made another function.
    return None if mine is None or _is_any(function, [mine]) else function.__name__


@lru_cache
def _compiled(text: str, *, uses_future_annotations: bool) -> CodeType | None:
    """Compile a script or cell: how a function is compiled hangs on the imports around it."""
    flags = __future__.annotations.compiler_flag if uses_future_annotations else 0
    try:
        made: CodeType = compile(text, "script", "exec", flags=flags, dont_inherit=True)
    except (SyntaxError, ValueError):
        # A cell may wait for something.
        return None
    return made


def default_names(source: str, value: object) -> Iterator[tuple[str, object]]:
    """Give the variables that stand as defaults of a function, with the values that they had."""
    statement = next(iter(ast.parse(source).body), None)
    function = inspect.unwrap(value) if callable(value) else None
    if not isinstance(statement, ast.FunctionDef) or not isinstance(function, FunctionType):
        return
    pairs = [
        *zip(statement.args.defaults[::-1], (function.__defaults__ or ())[::-1], strict=False),
        *(
            (written, (function.__kwdefaults__ or {}).get(argument.arg))
            for argument, written in zip(statement.args.kwonlyargs, statement.args.kw_defaults, strict=True)
        ),
    ]
    yield from ((written.id, default) for written, default in pairs if isinstance(written, ast.Name))


def _changed_part_of_class(source: str, body: CodeType, value: type) -> str | None:
    for name, found in vars(value).items():
        function = _function_of(found)
        mine = list(_codes(body, name))
        if function is not None and mine and not _is_any(function, mine):
            return f"{value.__name__}.{name}"
        is_inner = isinstance(found, type) and found.__qualname__ == f"{value.__qualname__}.{name}"
        if is_inner and mine and (part := _changed_part_of_class("", mine[-1], found)):
            return f"{value.__name__}.{part}"
    return next((f"{value.__name__}.{name}" for name in _changed_constants(source, value)), None)


def _changed_constants(source: str, value: type) -> Iterator[str]:
    """Give the class attributes that the source sets to a literal, and that have another value now."""
    statement = next(iter(ast.parse(source).body), None)
    if not isinstance(statement, ast.ClassDef):
        return
    written: dict[str, object] = {}
    for part in statement.body:
        targets = part.targets if isinstance(part, ast.Assign) else []
        for target in [part.target] if isinstance(part, ast.AnnAssign) else targets:
            if isinstance(target, ast.Name) and isinstance(part, (ast.Assign, ast.AnnAssign)) and part.value:
                written.pop(target.id, None)
                try:
                    written[target.id] = ast.literal_eval(part.value)
                except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
                    continue
    for name, constant in written.items():
        now = vars(value).get(name, constant)
        if type(now) in _PLAIN and (type(now) is not type(constant) or now != constant):
            yield name


def _function_of(found: object) -> FunctionType | None:
    """Give the function that a class attribute is made of."""
    if isinstance(found, property):
        found = found.fget
    found = getattr(found, "__func__", found)
    found = inspect.unwrap(found) if callable(found) and not isinstance(found, type) else found
    return found if isinstance(found, FunctionType) else None


def _is_any(function: FunctionType, codes: list[CodeType]) -> bool:
    shape = _shape(function.__code__)
    return any(_shape(code) == shape for code in codes)


def _at(code: CodeType, name: str, line: int) -> CodeType | None:
    return next((one for one in _codes(code, name) if one.co_firstlineno == line), None)


def _codes(code: CodeType, name: str) -> Iterator[CodeType]:
    """Give the code objects of this name directly inside another one."""
    return (one for one in code.co_consts if isinstance(one, CodeType) and one.co_name == name)


def _shape(code: CodeType) -> tuple[object, ...]:
    """Give what two code objects have in common that do the same: all but where they stand."""
    constants = tuple(
        _shape(one) if isinstance(one, CodeType) else (type(one), one) for one in code.co_consts
    )
    arguments = (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount)
    return code.co_code, constants, code.co_names, code.co_varnames, code.co_freevars, arguments
