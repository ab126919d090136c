"""Lifts classes and functions of `__main__` into a module of their own, with everything that they use.

A model that is pickled in a script names `__main__`, which is another program where the model is served.
"""

from __future__ import annotations

import builtins
import dataclasses
import enum
import math
import re
import symtable
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import TYPE_CHECKING, cast

from infer_cli.saving.failure import SaveFailed
from infer_cli.saving.main_source import lambda_source

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from infer_cli.saving.main_source import MainSource

_MAIN = "__main__"
_LAMBDA = "<lambda>"
_HEAD = '"""Code of the training script that the model needs; written by infer_cli.save."""\n'


def is_of_main(value: object) -> bool:
    """Tell whether a value is a class or function that `__main__` defines."""
    return isinstance(value, (type, FunctionType)) and value.__module__ == _MAIN


class Lifter:
    """Collects the source of classes and functions of `__main__`.

    `names` are `__main__`'s global names. `lifted` are the collected objects by their name in the new module.
    """

    def __init__(self, source: MainSource, names: Mapping[str, object]) -> None:
        self._source = source
        self._main = names
        self._imports: dict[str, None] = {}
        self._parts: list[str] = []
        self._last: list[str] = []
        self._seen: set[str] = set()
        self._lambdas: dict[int, str] = {}
        self.lifted: dict[str, type | FunctionType] = {}

    @property
    def text(self) -> str:
        """The source of the new module."""
        future = "from __future__ import annotations\n" if self._source.uses_future_annotations else ""
        imports = "".join(f"{line}\n" for line in sorted(self._imports))
        blocks = [block for block in (_HEAD, future, imports, *self._parts, *self._last) if block]
        return "\n".join(blocks)

    def lift(self, value: type | FunctionType) -> None:
        """Collect a class or function, and what it uses; raise `SaveFailed` for what cannot be collected."""
        if value.__name__ == _LAMBDA:
            self._lift_lambda(value, None)
            return
        root = value.__qualname__.partition(".")[0]
        if "<locals>" in value.__qualname__:
            message = f"{value.__qualname__} is defined inside the function {root}"
            raise SaveFailed(message, hint="define it at the top level of the script, and train again")
        current = self._main.get(root)
        if root == value.__qualname__ and current is not value:
            message = f"{root} has been defined again since the model was made"
            raise SaveFailed(message, hint="train the model again, and save it then")
        self._define(root, current, "the model")

    def _define(self, name: str, value: object, user: str) -> None:
        """Collect what a global name stands for."""
        if name in self._seen:
            return
        self._seen.add(name)
        if isinstance(value, ModuleType):
            self._import(name, f"import {value.__name__} as {name}")
        elif isinstance(value, FunctionType) and value.__module__ == _MAIN and value.__name__ == _LAMBDA:
            self._lift_lambda(value, name)
        elif isinstance(value, (type, FunctionType)) and value.__module__ == _MAIN:
            self._lift_definition(name, value)
        elif name in self._source.imports:
            self._import(name, "")
        elif name in self._source.definitions:
            # What a decorator made of a function.
            self._emit(name, self._source.definitions[name])
        elif isinstance(value, (type, FunctionType, BuiltinFunctionType)) and value.__module__:
            self._imports[f"from {value.__module__} import {value.__name__} as {name}"] = None
        else:
            self._parts.append(f"{name} = {self._literal(value, name, user)}\n")

    def _lift_definition(self, name: str, value: type | FunctionType) -> None:
        own = value.__qualname__
        if own != name:
            self._define(own.partition(".")[0], self._main.get(own.partition(".")[0]), name)
            # A function may use its second name, and is defined before it has one.
            parts = self._parts if own in self.lifted else self._last
            parts.append(f"{name} = {own}\n")
            return
        source = self._source.definitions.get(name)
        if source is None:
            message = f"the source of {name} is not found"
            hint = "write it into a script or a notebook, at the top level, and train again"
            raise SaveFailed(message, hint=hint)
        self._emit(name, source)
        self.lifted[name] = value

    def _lift_lambda(self, value: type | FunctionType, name: str | None) -> None:
        if not isinstance(value, FunctionType) or id(value) in self._lambdas:
            return
        if value.__closure__:
            used = ", ".join(value.__code__.co_freevars)
            message = (
                f"the lambda in line {value.__code__.co_firstlineno} uses {used} of a function around it"
            )
            hint = (
                "write a function with def at the top level, and give it the value as an argument (kw_args)"
            )
            raise SaveFailed(message, hint=hint)
        chosen = name or f"lambda_{len(self._lambdas) + 1}"
        self._lambdas[id(value)] = chosen
        self._emit(chosen, f"{chosen} = {lambda_source(value)}\n")
        self.lifted[chosen] = value

    def _emit(self, name: str, source: str) -> None:
        """Add the source of a definition, after what it uses."""
        for used in sorted(_global_names(source) - {name}):
            if used in self._main and not (used.startswith("__") and used.endswith("__")):
                is_builtin = self._main[used] is getattr(builtins, used, None)
                if not is_builtin:
                    self._define(used, self._main[used], name)
        self._parts.append(source)

    def _import(self, name: str, otherwise: str) -> None:
        for line in self._source.imports.get(name) or [otherwise]:
            self._imports[line] = None

    def _literal(self, value: object, name: str, user: str) -> str:
        """Give the expression of a plain value; raise `SaveFailed` for any other."""
        if isinstance(value, enum.Enum):
            return f"{self._class_name(type(value), name, user)}.{value.name}"
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            made = self._class_name(type(value), name, user)
            fields = [field.name for field in dataclasses.fields(value) if field.init]
            given = (f"{field}={self._literal(getattr(value, field), name, user)}" for field in fields)
            return f"{made}({', '.join(given)})"
        if isinstance(value, re.Pattern):
            self._imports["import re"] = None
            return f"re.compile({value.pattern!r}, {value.flags})"
        if isinstance(value, float) and not math.isfinite(value):
            return f"float({str(value)!r})"
        if value is None or type(value) in (bool, int, float, complex, str, bytes):
            return repr(value)
        if type(value) in (list, tuple, set, frozenset, dict):
            return self._collection(value, name, user)
        raise SaveFailed(
            f"{user} uses {name}, which is a {type(value).__module__}.{type(value).__qualname__}: "
            "its source cannot be copied",
            hint=f"make {name} an attribute or a parameter of the class that uses it, or an argument of the "
            "function (kw_args of FunctionTransformer), so that the model file holds it; then train again",
        )

    def _collection(self, value: object, name: str, user: str) -> str:
        if isinstance(value, dict):
            pairs = (
                f"{self._literal(key, name, user)}: {self._literal(held, name, user)}"
                for key, held in value.items()
            )
            return f"{{{', '.join(pairs)}}}"
        items = [self._literal(item, name, user) for item in cast("Iterable[object]", value)]
        if isinstance(value, list):
            return f"[{', '.join(items)}]"
        if isinstance(value, tuple):
            return f"({', '.join(items)}{',' if len(items) == 1 else ''})"
        kind = "frozenset" if isinstance(value, frozenset) else "set"
        return f"{kind}([{', '.join(sorted(items))}])"

    def _class_name(self, kind: type, name: str, user: str) -> str:
        if kind.__module__ == _MAIN:
            self._define(kind.__qualname__, kind, user)
            return kind.__qualname__
        self._imports[f"import {kind.__module__}"] = None
        del name
        return f"{kind.__module__}.{kind.__qualname__}"


def _global_names(source: str) -> set[str]:
    """Give the names that the source of a definition takes from its module."""
    found: set[str] = set()
    pending = [symtable.symtable(source, "lifted", "exec")]
    while pending:
        table = pending.pop()
        is_module = table.get_type() == "module"
        for symbol in table.get_symbols():
            if symbol.is_referenced() and (is_module or symbol.is_global()):
                found.add(symbol.get_name())
        pending += table.get_children()
    return found
