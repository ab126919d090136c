"""Whether each part of a loaded model sits where such a part may sit: by the lists of `attributes.txt`.

The allow-list of names says what a file may make. This module says where the objects may then lie: no table
or array in the place of an estimator, no attribute that hides a method, no string that chooses a method but
the strings that scikit-learn itself puts there. `infer_cli/inspection/facts/contents.py` does the same with a
file that is not loaded.
"""

from __future__ import annotations

import numbers
import re
from collections import defaultdict, deque
from datetime import date, time, timedelta, tzinfo
from functools import partial
from pathlib import PurePath
from types import BuiltinFunctionType, FunctionType, MethodDescriptorType, MethodType, ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

import numpy as np

from service.errors import Forbidden
from service.loading.attributes import (
    ANY,
    ARRAY,
    DATA,
    DATA_KINDS,
    FORBIDDEN_ARGUMENTS,
    OBJECTS,
    PLAIN,
    STR,
    TEXT,
    known,
    named_alike,
)
from service.loading.policy import NAME
from service.loading.unpickling import AbsentCache

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from service.loading.policy import Policy

    Kinds = frozenset[str]

SCALARS = frozenset((type(None), bool, int, float, complex, bytes, bytearray))
OTHER_PLAIN = (
    date,
    time,
    timedelta,
    tzinfo,
    range,
    slice,
    PurePath,
    UUID,
    numbers.Number,
    np.generic,
    np.dtype,
)
SEQUENCES = (list, tuple, set, frozenset, deque)
# NumPy 2 has a type of its own for functions such as `numpy.clip`.
FUNCTIONS = (FunctionType, BuiltinFunctionType, MethodType, MethodDescriptorType, np.ufunc, type(np.clip))
# The modules whose classes count as types, as those of numbers and strings do.
TYPE_MODULES = ("builtins", "collections")
# The modules that the allow-list lists NumPy's and SciPy's compiled functions in.
FUNCTION_MODULES = ("numpy", "scipy.special._ufuncs", "scipy.special._special_ufuncs")
PANDAS = {"DataFrame": "table", "Series": "table"} | dict.fromkeys(
    ("Timestamp", "Timedelta", "Interval", "Period", "NAType", "NaTType", "CategoricalDtype", "StringDtype"),
    PLAIN,
)
ANYTHING: Kinds = frozenset((ANY,))
ONLY_DATA: Kinds = frozenset((DATA,))
# What the function of a partial object may be called with, beside functions of the same kinds.
PASSED: Kinds = frozenset((DATA, "type"))
# What a defaultdict may call to make a missing value.
FACTORIES: Kinds = frozenset((PLAIN, "type", "function"))
# What scikit-learn gives to `str.format`: a width there would make names of any length.
NAME_FORMAT = "verbose_feature_names_out"
FORMAT = re.compile(r"(?:[^{}]|\{\{|\}\}|\{(?:transformer_name|feature_name)\})*")
# Arguments of the function of a FunctionTransformer.
ARGUMENTS = ("kw_args", "inv_kw_args")
# The place of an attribute that hides a method: only an object that the user trusts may do that.
OWN_CODE: Kinds = frozenset()
WITH_PLAIN = frozenset((PLAIN, DATA, ANY))
SHOWN_CHARACTERS = 40
# How many sequences and dictionaries a value may lie in so that their number counts.
DEPTH_MAX = 9


class Place(NamedTuple):
    """Where a value sits: the place of what holds it, and its own part of the path, as `.coef_` or `[0]`."""

    holder: Place | None
    part: str

    def __str__(self) -> str:
        parts: list[str] = []
        place: Place | None = self
        while place is not None and len(parts) < SHOWN_CHARACTERS:
            parts.append(place.part)
            place = place.holder
        path = "".join(reversed(parts)).lstrip(".")
        return path if path.isprintable() else ascii(path)[1:-1]


class _Task(NamedTuple):
    """A value to be looked at, and what its place takes.

    `kinds` are the kinds of values, `choices` the only strings, if they are limited. `depth` counts the
    sequences and dictionaries between the value and the attribute that holds them.
    """

    value: object
    kinds: Kinds
    choices: Kinds | None = None
    depth: int = 0
    place: Place | None = None

    def within(self, value: object, part: str) -> _Task:
        """Give the task of a value that lies in this one's value, a sequence or dictionary."""
        depth = min(self.depth + 1, DEPTH_MAX)
        return _Task(value, self.kinds, self.choices, depth, Place(self.place, part))

    @property
    def takes_data(self) -> bool:
        """Whether any plain value and string may be here."""
        return self.choices is None and not self.kinds.isdisjoint((DATA, ANY))


def check_contents(held: object, policy: Policy) -> None:
    """Raise `Forbidden` for the first value that sits where no model has such a value.

    Objects of a module that the user trusts may sit anywhere; what they hold is not limited,
    but the parts of known classes in them are.
    """
    # The values are kept: the id of one that is gone might be that of another one.
    seen: dict[tuple[int, Kinds, int], object] = {}
    waiting = [_Task(held, ANYTHING)]
    while waiting:
        task = waiting.pop()
        if task.value is None:
            continue
        if type(task.value) in SCALARS:
            if task.kinds.isdisjoint(WITH_PLAIN):
                raise _misplaced(PLAIN, task)
            continue
        kind = kind_of(task.value, policy)
        if kind is not None and not _may_hold(task, kind, policy):
            raise _misplaced(kind, task)
        if task.choices is not None and isinstance(task.value, str) and task.value not in task.choices:
            listed = ", ".join(sorted(task.choices))
            shown = task.value[:SHOWN_CHARACTERS]
            raise Forbidden(f"holds {shown!a} as {task.place}, where only {listed} may be")
        key = (id(task.value), task.kinds, task.depth)
        if key not in seen:
            seen[key] = task.value
            waiting += _inside(task)


def _may_hold(task: _Task, kind: str, policy: Policy) -> bool:
    at = f"{kind}/{task.depth}"
    if not task.kinds.isdisjoint((kind, ANY, at, at + (task.place.part if task.place else ""))):
        return True
    if kind in DATA_KINDS:
        return DATA in task.kinds
    return policy.is_trusted(*_home_of(task.value))


def _home_of(value: Any) -> tuple[str, str]:  # noqa: ANN401 (anything in a model)
    """Give the module and the name that a value, its class or its method comes from."""
    if isinstance(value, partial):
        return _home_of(value.func)
    if isinstance(value, MethodType):
        value = value.__self__
    named = value if isinstance(value, (type, *FUNCTIONS)) else type(value)
    return str(getattr(named, "__module__", "")), str(getattr(named, "__qualname__", ""))


def _misplaced(kind: str, task: _Task) -> Forbidden:
    if task.kinds is OWN_CODE:
        return Forbidden(f"sets {task.place}, which would hide a method of its class")
    place = "the model" if task.place is None else task.place
    return Forbidden(f"holds {named_alike(kind)} as {place}, where no known model has one")


def kind_of(value: object, policy: Policy) -> str | None:  # noqa: PLR0911 (one return for each kind)
    """Tell the kind of a value, as `attributes.txt` names it; None for a container, whose values count."""
    cls = type(value)
    if cls in SCALARS or cls is AbsentCache:
        return PLAIN
    if isinstance(value, str):
        return TEXT
    if isinstance(value, np.ndarray):
        return OBJECTS if value.dtype.hasobject else ARRAY
    if isinstance(value, (*SEQUENCES, dict)):
        return None
    if isinstance(value, type):
        return _type_kind(value)
    if isinstance(value, partial):
        return kind_of(value.func, policy)
    if isinstance(value, FUNCTIONS):
        return _function_kind(value, policy)
    if isinstance(value, OTHER_PLAIN):
        return PLAIN
    return _object_kind(cls)


def _object_kind(cls: type) -> str:
    name = _full_name(cls)
    listed = known(name)
    if listed is not None:
        return listed.group
    package = cls.__module__.partition(".")[0]
    if package == "pandas":
        return PANDAS.get(cls.__name__, ARRAY)
    if cls.__module__.startswith("numpy.random."):
        return "random"
    # No file makes an object of ctypes: it is the handle of a booster, which its library made of bytes.
    if package in ("builtins", "ctypes", "numpy", "re"):
        return PLAIN
    return name


def _type_kind(value: type) -> str:
    if issubclass(value, (np.generic, str, bytes)) or value.__module__ in TYPE_MODULES:
        return "type"
    return "class"


def _function_kind(value: Any, policy: Policy) -> str:  # noqa: ANN401 (functions have no type in common)
    name = str(getattr(value, "__qualname__", None) or getattr(value, "__name__", ""))
    module = str(getattr(value, "__module__", None) or "")
    if isinstance(value, MethodType):
        module, name = (
            type(value.__self__).__module__,
            f"{type(value.__self__).__qualname__}.{value.__name__}",
        )
    elif isinstance(value, MethodDescriptorType):
        module = value.__objclass__.__module__
        if value.__objclass__ is str and policy.judge(module, name).use == NAME:
            return STR
    for one in (module, *FUNCTION_MODULES) if isinstance(value, np.ufunc) else (module,):
        if policy.judge(one, name).use == NAME:
            return "method" if isinstance(value, MethodType) else "function"
    return f"function {module}.{name}"


def _full_name(cls: type) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"


def _inside(task: _Task) -> Iterator[_Task]:  # noqa: C901, PLR0912 (one branch for each kind)
    """Give what a value holds, each with what its own place takes."""
    value = task.value
    if isinstance(value, dict):
        yield from _entries(value, task)
        if isinstance(value, defaultdict):
            yield _Task(value.default_factory, FACTORIES, place=Place(task.place, ".default_factory"))
    elif isinstance(value, SEQUENCES):
        yield from _items(value, task)
    elif isinstance(value, np.ndarray):
        if value.dtype.hasobject:
            yield from _items(value.ravel().tolist(), task)
        if type(value) is np.ndarray:
            return
    elif isinstance(value, partial):
        if isinstance(value.func, partial):
            # Python makes one of both, so that only a file can say this.
            raise Forbidden(f"holds a partial object of another one as {task.place}")
        allowed = task.kinds | PASSED
        yield from (
            _Task(held, allowed, place=task.place) for held in (*value.args, *value.keywords.values())
        )
    elif isinstance(value, MethodType):
        yield _Task(value.__self__, ANYTHING, place=task.place)
    elif type(value).__module__.partition(".")[0] == "pandas":
        for name, held in (getattr(value, "__dict__", None) or {}).items():
            if callable(held):
                raise Forbidden(
                    f"sets {Place(task.place, f'.{name}')}, which would hide a method of its class"
                )
        yield from _cells(value, task)
        return
    attributes = attributes_of(value)
    if attributes:
        yield from _held_by(value, attributes, task.place)


def _entries(value: dict[object, object], task: _Task) -> Iterator[_Task]:
    skips = task.takes_data
    keys = _Task(None, task.kinds if ANY in task.kinds else ONLY_DATA, depth=task.depth, place=task.place)
    for key, held in value.items():
        if type(key) is not str:
            yield keys.within(key, "[…]")
        if not skips or not (type(held) in SCALARS or type(held) is str):
            yield task.within(held, f'["{key[:SHOWN_CHARACTERS]}"]' if isinstance(key, str) else "[…]")


def _items(items: Iterable[object], task: _Task) -> Iterator[_Task]:
    skips = task.takes_data
    for at, held in enumerate(items):
        if not skips or not (type(held) in SCALARS or type(held) is str):
            yield task.within(held, f"[{at}]")


def _cells(value: Any, task: _Task) -> Iterator[_Task]:  # noqa: ANN401 (pandas has no types)
    """Give the objects in a table, column or index of pandas, and those among its labels."""
    is_table = type(value).__name__ == "DataFrame"
    columns = [value.iloc[:, at] for at in range(value.shape[1])] if is_table else [value]
    for column in (*columns, *getattr(value, "axes", ())):
        categories = getattr(getattr(column, "dtype", None), "categories", None)
        for part in (column, categories, *(getattr(column, "levels", None) or ())):
            if str(getattr(part, "dtype", "")) == "object":
                yield _Task(np.asarray(part, dtype=object), ANYTHING, place=task.place)


def attributes_of(value: object) -> dict[str, object]:
    """Give the attributes of an object; none for classes, functions, modules and what pandas makes."""
    # No file names a module, but an object of SciPy takes one as it is loaded.
    if (
        isinstance(value, (type, ModuleType, *FUNCTIONS))
        or type(value).__module__.partition(".")[0] == "pandas"
    ):
        return {}
    return getattr(value, "__dict__", None) or {}


def _check_use(name: str, held: object, place: Place) -> None:
    """Refuse values that a library would do more with than the model needs."""
    if name == NAME_FORMAT and isinstance(held, str) and not FORMAT.fullmatch(held):
        raise Forbidden(f"holds a format with more than the two names as {place}")
    given = held.keywords if isinstance(held, partial) else held if name in ARGUMENTS else None
    for argument, reason in FORBIDDEN_ARGUMENTS.items():
        if isinstance(given, dict) and given.get(argument) is not None:
            raise Forbidden(f"gives a function {reason.format(place)}")


def _held_by(value: object, attributes: dict[str, object], place: Place | None) -> Iterator[_Task]:
    listed = known(_full_name(type(value)))
    for name, held in attributes.items():
        here = Place(place, f".{str(name)[:SHOWN_CHARACTERS]}")
        if listed is None:
            # Containers may have attributes of their own, such as a namedtuple's subclass.
            is_container = isinstance(value, (*SEQUENCES, dict))
            yield _Task(held, ONLY_DATA if is_container else ANYTHING, place=here)
        elif listed.forbids(name):
            task = _Task(held, OWN_CODE, place=here)
            if isinstance(held, (*SCALARS, str, *SEQUENCES, dict)):
                raise _misplaced(PLAIN, task)
            yield task
        else:
            _check_use(name, held, here)
            yield _Task(held, listed.kinds_of(name), listed.choices.get(name), place=here)
