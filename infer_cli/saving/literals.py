"""Constants of the training script as expressions of Python, for the module that uses them.

An expression gives the same value again, to the last bit. What would run code of the script, or read a file
again, has none.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import decimal
import enum
import fractions
import functools
import logging
import math
import pathlib
import re
import sys
from collections import Counter, OrderedDict, defaultdict, deque
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

# A larger array belongs into the model.
_VALUES_MAX = 1000
_TIMES = (dt.date, dt.datetime, dt.time, dt.timedelta)
_MAIN = "__main__"


class NoLiteral(Exception):
    """A value has no expression; the argument of the error is the value."""


class Literals:
    """Writes values. `refer` gives the expression for a class or function; `need` gets import statements."""

    def __init__(self, refer: Callable[[Any], str], need: Callable[[str], None]) -> None:
        self._refer = refer
        self._need = need

    def of(self, value: Any) -> str:  # noqa: ANN401, PLR0911 (one return for each kind of value)
        """Give the expression of a value; raise `NoLiteral` for a value that has none."""
        if value is None or value is Ellipsis or type(value) in (bool, int, complex, str, bytes):
            return repr(value)
        if type(value) is float:
            return repr(value) if math.isfinite(value) else f"float({str(value)!r})"
        if type(value) in (list, tuple, set, frozenset, dict):
            return self._collection(value)
        if isinstance(value, enum.Enum):
            return f"{self._refer(type(value))}({self.of(value.value)})"
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            fields = [field.name for field in dataclasses.fields(value) if field.init]
            given = (f"{field}={self.of(getattr(value, field))}" for field in fields)
            return f"{self._refer(type(value))}({', '.join(given)})"
        if isinstance(value, tuple) and hasattr(value, "_fields"):
            return f"{self._refer(type(value))}({', '.join(map(self.of, value))})"
        return self._of_library(value)

    def _of_library(self, value: Any) -> str:  # noqa: ANN401 (one return for each kind of value)
        kind = type(value)
        if isinstance(value, re.Pattern):
            return self._call("re", f"compile({value.pattern!r}, {value.flags})")
        if kind in _TIMES and getattr(value, "tzinfo", None) in (None, dt.UTC):
            self._need("import datetime")
            return repr(value)
        if kind in (decimal.Decimal, fractions.Fraction):
            return self._call(kind.__module__, repr(value))
        if kind in (range, slice):
            return repr(value)
        if isinstance(value, pathlib.Path):
            return self._call("pathlib", f"Path({str(value)!r})")
        return self._of_collections(value)

    def _of_collections(self, value: Any) -> str:  # noqa: ANN401 (of any kind)
        kind = type(value)
        if kind in (Counter, OrderedDict):
            return self._call("collections", f"{kind.__name__}({self.of(dict(value))})")
        if kind is defaultdict:
            factory = "None" if value.default_factory is None else self._refer(value.default_factory)
            return self._call("collections", f"defaultdict({factory}, {self.of(dict(value))})")
        if kind is deque:
            return self._call("collections", f"deque({self.of(list(value))}, {value.maxlen})")
        if kind is functools.partial:
            words = "".join(f", **{self.of(value.keywords)}" for _ in [0] if value.keywords)
            given = "".join(f", {self.of(one)}" for one in value.args)
            return self._call("functools", f"partial({self._refer(value.func)}{given}{words})")
        if isinstance(value, logging.Logger):
            name = "__name__" if value.name == _MAIN else repr(value.name)
            return self._call("logging", f"getLogger({name})")
        return self._of_array(value)

    def _of_array(self, value: Any) -> str:  # noqa: ANN401 (of NumPy or pandas)
        kind = type(value)
        if kind.__name__ == "NAType":
            return self._call("pandas", "NA")
        dtype: Any = getattr(value, "dtype", None)
        is_plain = kind.__module__ == "numpy" and getattr(dtype, "kind", "O") in "biufU"
        if not is_plain or value.size > _VALUES_MAX:
            raise NoLiteral(value)
        if kind.__name__ != "ndarray":
            return self._call("numpy", f"{kind.__name__}({self.of(value.item())})")
        return self._call(
            "numpy", f"array({self.of(value.tolist())}, dtype={dtype.str!r}).reshape({value.shape})"
        )

    def _call(self, module: str, text: str) -> str:
        self._need(f"import {module}")
        return f"{module}.{text}"

    def _collection(self, value: object) -> str:
        if isinstance(value, dict):
            return f"{{{', '.join(f'{self.of(key)}: {self.of(held)}' for key, held in value.items())}}}"
        items = [self.of(item) for item in cast("Iterable[object]", value)]
        if isinstance(value, list):
            return f"[{', '.join(items)}]"
        if isinstance(value, tuple):
            return f"({', '.join(items)}{',' if len(items) == 1 else ''})"
        kind = "frozenset" if isinstance(value, frozenset) else "set"
        return f"{kind}([{', '.join(sorted(items))}])"


def importable(value: object) -> tuple[str, str] | None:
    """Give the module and the name of a class, function or ufunc that a module holds; None if none does."""
    name = getattr(value, "__name__", None)
    module = getattr(value, "__module__", None) or type(value).__module__
    if not isinstance(name, str) or not isinstance(module, str) or module == _MAIN:
        return None
    return (module, name) if getattr(sys.modules.get(module), name, None) is value else None
