"""Lifts classes and functions of `__main__` into a module of their own, with everything that they use.

A model that is pickled in a script names `__main__`, which is another program where the model is served.
"""

from __future__ import annotations

import builtins
import symtable
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Any

from infer_cli.saving.failure import SaveFailed
from infer_cli.saving.literals import Literals, NoLiteral, importable
from infer_cli.saving.main_source import lambda_source
from infer_cli.saving.references import DEFINED
from infer_cli.saving.same_code import changed_part, default_names

if TYPE_CHECKING:
    from collections.abc import Mapping

    from infer_cli.saving.main_source import MainSource

_MAIN = "__main__"
_LAMBDA = "<lambda>"
_HEAD = '"""Code of the training script that the model needs; written by infer_cli.save."""\n'
# Typing's constructs and the classes of `namedtuple` are made by an assignment that may run again.
_MADE_AGAIN = ("typing", "types")


def is_of_main(value: object) -> bool:
    """Tell whether a value is a class or function that `__main__` defines."""
    return isinstance(value, DEFINED) and value.__module__ == _MAIN


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
        root, _, rest = value.__qualname__.partition(".")
        if "<locals>" in value.__qualname__:
            message = f"{value.__qualname__} is defined inside the function {root}"
            raise SaveFailed(message, hint="define it at the top level of the script, and train again")
        if root not in self._main:
            message = (
                f"the model holds {value.__qualname__} of a script or notebook, and this one has no {root}"
            )
            raise SaveFailed(message, hint=f"define {root} in this script or in a module, and train again")
        current: Any = self._main[root]
        found = current
        for name in rest.split(".") if rest else ():
            found = getattr(found, name, None)
        if found is not value:
            message = f"{value.__qualname__} has been defined again since the model was made"
            raise SaveFailed(message, hint="train the model again, and save it then")
        self._define(root, current, "the model")
        if rest:
            # infer trusts no name that reaches through another one.
            alias = value.__qualname__.replace(".", "__")
            self._last.append(f"{alias} = {value.__qualname__}\n")
            self.lifted[alias] = value

    def _define(self, name: str, value: Any, user: str) -> None:  # noqa: ANN401 (anything in a script)
        """Collect what a global name stands for."""
        if name in self._seen:
            return
        self._seen.add(name)
        found = None if is_of_main(value) else importable(value)
        if isinstance(value, ModuleType):
            self._import(name, f"import {value.__name__} as {name}")
        elif isinstance(value, FunctionType) and value.__module__ == _MAIN and value.__name__ == _LAMBDA:
            self._lift_lambda(value, name)
        elif is_of_main(value):
            self._lift_definition(name, value)
        elif name in self._source.imports:
            self._import(name, "")
        elif name in self._source.definitions:
            # What a decorator made of a function.
            self._emit(name, self._definition(name, value))
        elif found is not None:
            self._imports[f"from {found[0]} import {found[1]} as {name}"] = None
        elif type(value).__module__ in _MADE_AGAIN and name in self._source.assignments:
            self._emit(name, self._source.assignments[name])
        else:
            self._parts.append(f"{name} = {self._literal(value, name, user)}\n")

    def _lift_definition(self, name: str, value: type | FunctionType) -> None:
        own = value.__qualname__
        if (
            name in self._source.assignments
            and name not in self._source.definitions
            and hasattr(value, "_fields")
        ):
            # A class of namedtuple.
            self._emit(name, self._source.assignments[name])
            self.lifted[name] = value
            return
        if own != name:
            self._define(own.partition(".")[0], self._main.get(own.partition(".")[0]), name)
            # A function may use its second name, and is defined before it has one.
            parts = self._parts if own in self.lifted else self._last
            parts.append(f"{name} = {own}\n")
            return
        self._emit(name, self._definition(name, value))
        self.lifted[name] = value

    def _definition(self, name: str, value: object) -> str:
        """Give the source of a class or function: the last one that says what it is."""
        sources = self._source.definitions.get(name, [])
        if not sources:
            message = f"the source of {name} is not found"
            hint = "write it into a script or a notebook, at the top level, and train again"
            raise SaveFailed(message, hint=hint)
        changed, future = None, self._source.uses_future_annotations
        for definition in reversed(sources):
            part = changed_part(definition, value, uses_future_annotations=future)
            if part is None:
                self._check_defaults(definition.source, value)
                return definition.source
            changed = changed or part
        message = f"{changed} is not what its source says: it was changed after its definition"
        raise SaveFailed(message, hint="write it as it must be, run the whole script again, and save then")

    def _check_defaults(self, source: str, value: object) -> None:
        """Raise `SaveFailed` for a default that names a variable which has another value now."""
        for name, default in default_names(source, value):
            now = self._main.get(name, default)
            if now is not default and not _is_equal(now, default):
                message = (
                    f"{name}, a default value in {getattr(value, '__name__', '')}, has another value now"
                )
                raise SaveFailed(message, hint="run the whole script again, and save then")

    def _lift_lambda(self, value: type | FunctionType, name: str | None) -> None:
        if not isinstance(value, FunctionType) or id(value) in self._lambdas:
            return
        line = value.__code__.co_firstlineno
        if value.__closure__:
            used = ", ".join(value.__code__.co_freevars)
            message = f"the lambda in line {line} uses {used} of a function around it"
            hint = (
                "write a function with def at the top level, and give it the value as an argument (kw_args)"
            )
            raise SaveFailed(message, hint=hint)
        number = len(self._lambdas) + 1
        while f"lambda_{number}" in self._main:
            number += 1
        chosen = name or f"lambda_{number}"
        self._lambdas[id(value)] = chosen
        user = f"the lambda in line {line}"
        source = lambda_source(value, lambda default: self._literal(default, "a default", user))
        self._emit(chosen, f"{chosen} = {source}\n")
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
        literals = Literals(
            lambda kind: self._reference(kind, user), lambda line: self._imports.update({line: None})
        )
        try:
            return literals.of(value)
        except NoLiteral as error:
            held = error.args[0]
            inside = "" if held is value else f" that holds a {_kind(held)}"
            message = f"{user} uses {name}, which is a {_kind(value)}{inside}: its source cannot be copied"
            hint = (
                f"make {name} an attribute or a parameter of the class that uses it, or an argument of the "
                "function (kw_args of FunctionTransformer), so that the model file holds it; then train again"
            )
            raise SaveFailed(message, hint=hint) from None

    def _reference(self, value: Any, user: str) -> str:  # noqa: ANN401 (a class or function)
        """Give the expression for a class or function that a constant holds."""
        if is_of_main(value) and value.__name__ != _LAMBDA and "<locals>" not in value.__qualname__:
            root = value.__qualname__.partition(".")[0]
            if root in self._main:
                self._define(root, self._main[root], user)
                return str(value.__qualname__)
        found = importable(value)
        if found is None:
            raise NoLiteral(value)
        if found[0] == "builtins":
            return found[1]
        self._imports[f"import {found[0]}"] = None
        return f"{found[0]}.{found[1]}"


def _kind(value: object) -> str:
    return f"{type(value).__module__}.{type(value).__qualname__}"


def _is_equal(one: object, other: object) -> bool:
    try:
        return type(one) is type(other) and bool(one == other)
    except Exception:  # noqa: BLE001 (arrays have no one truth value)
        return False


def _global_names(source: str) -> set[str]:
    """Give the names that the source of a definition takes from its module."""
    found: set[str] = set()
    pending = [symtable.symtable(source, "lifted", "exec")]
    while pending:
        table = pending.pop()
        is_module = table.get_type() == "module"
        for symbol in table.get_symbols():
            # `COUNT += 1` after `global COUNT` is no reference.
            is_used = symbol.is_referenced() or (symbol.is_declared_global() and not is_module)
            if is_used and (is_module or symbol.is_global()):
                found.add(symbol.get_name())
        pending += table.get_children()
    return found
