"""The members of a file that holds a dictionary, list or tuple: which of them is the model, and its columns.

`infer_cli/inspection/facts/members.py` chooses in the same way in a file that it has not loaded.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from service.errors import UnusableFile, with_article

if TYPE_CHECKING:
    from collections.abc import Iterator

# How deep containers may lie in containers, and how many objects a file may hold that could be the model.
DEPTH_MAX = 5
MEMBERS_MAX = 1000
# Modules whose objects are data: numbers, tables, dates; and objects that only training needs.
DATA_MODULES = (
    "_codecs",
    "builtins",
    "collections",
    "datetime",
    "decimal",
    "fractions",
    "numpy",
    "pandas",
    "pathlib",
    "pyarrow",
    "re",
    "scipy.sparse",
    "sklearn.metrics",
    "sklearn.model_selection._split",
)
# Dictionaries that are no plain `dict`.
DICTIONARIES = ("collections.OrderedDict", "sklearn.utils.Bunch", "sklearn.utils._bunch.Bunch")
# What people call the list of the model's columns in a dictionary, in lower case and without underscores.
COLUMNS_KEYS = (
    "cols",
    "colnames",
    "columnnames",
    "columnorder",
    "columns",
    "featurecolumns",
    "featurecols",
    "featurelist",
    "featurename",
    "featurenames",
    "featurenamesin",
    "featureorder",
    "features",
    "inputcolumns",
    "inputfeatures",
    "modelcolumns",
    "modelfeatures",
    "traincolumns",
    "trainingcolumns",
    "xcolumns",
)
ADVICE = "Choose the model with --member NAME (or its schema), or save one Pipeline of all that it needs"


@dataclass(frozen=True)
class Member:
    """An object in a file that may be the model.

    `path` is the name that `--member` takes: a key or a position, with dots between those of containers in
    containers. `names` are the columns that are listed beside it, or around it, under a key that says so.
    `beside` is the only list of strings beside it in a list or tuple, which does not say what it is.
    """

    path: str
    value: object
    names: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()


def names_beside(member: Member) -> tuple[str, ...]:
    """Give the list beside a member if it has as many strings as the model has columns, and not classes."""
    classes = getattr(member.value, "classes_", None)
    count = getattr(member.value, "n_features_in_", None)
    is_unsure = classes is not None and len(classes) == len(member.beside)
    return member.beside if len(member.beside) == count and not is_unsure else ()


def choose_member(held: object, name: str | None) -> Member:
    """Give the one model in what a file holds, or the member of this name.

    What is no container is the model itself. Raises `UnusableFile` if no member has the name, and without a
    name if several members may be the model.
    """
    if not is_container(held):
        if name is not None:
            raise UnusableFile("holds one object, and no member to choose", "Leave out --member")
        return Member("", held)
    members = members_of(held)
    found = [member for member in members if name is None or member.path == name]
    if len(found) == 1:
        return found[0]
    what = with_article(type(held).__name__)
    listed = ", ".join(f"{member.path} ({_class_name(member.value)})" for member in members[:20])
    if not members:
        raise UnusableFile(f"holds {what} without a model", "Save the fitted model itself")
    if name is not None:
        raise UnusableFile(f"holds {what} with no member {name}, but {listed}", ADVICE)
    raise UnusableFile(f"holds {what} of several objects: {listed}", ADVICE)


def is_container(held: object) -> bool:
    """Tell whether an object is a dictionary, list or tuple, which may hold a model among other objects."""
    return type(held) in (dict, list, tuple) or _is_dictionary(held)


def members_of(held: object) -> list[Member]:
    """Give the objects of a container that may be the model, in the order of the file."""
    return list(_members(held, "", 0, ()))[:MEMBERS_MAX]


def _members(held: object, path: str, depth: int, outer: tuple[str, ...]) -> Iterator[Member]:
    if depth > DEPTH_MAX:
        return
    entries = _entries(held)
    names = _names_in(entries) or outer
    lists = [strings for key, value in entries if type(key) is int and (strings := _strings(value))]
    beside = lists[0] if len(lists) == 1 and type(held) in (list, tuple) else ()
    for key, value in entries:
        here = f"{path}.{key}" if path else str(key)
        if is_container(value):
            yield from _members(value, here, depth + 1, names)
        elif _is_object(value):
            yield Member(here, value, names, beside)


def _entries(held: object) -> list[tuple[str | int, object]]:
    """Give the keys and values of a dictionary, or the positions and items of a list or tuple."""
    if isinstance(held, dict):
        return [(key, value) for key, value in held.items() if isinstance(key, str) or type(key) is int]
    return list(enumerate(cast("list[object]", held)))


def _names_in(entries: list[tuple[str | int, object]]) -> tuple[str, ...]:
    """Give the columns that a dictionary lists; () if it lists none, or several that differ."""
    found = set()
    for key, value in entries:
        if str(key).lower().replace("_", "") in COLUMNS_KEYS:
            found.add(_strings(value))
    found.discard(())
    return found.pop() if len(found) == 1 else ()


def _strings(held: object) -> tuple[str, ...]:
    """Give the strings of a list, tuple, array or index; () if it holds anything else, or one twice."""
    is_index = type(held).__module__.partition(".")[0] == "pandas" and type(held).__name__ == "Index"
    if not isinstance(held, (list, tuple, np.ndarray)) and not is_index:
        return ()
    values = list(cast("Any", held))
    strings = tuple(str(value) for value in values if isinstance(value, str) and value)
    return strings if len(set(strings)) == len(values) else ()


def _is_object(held: object) -> bool:
    """Tell whether a value is an object that may predict, transform or be called: no data."""
    return held is not None and not is_data(_module_of(held))


def _module_of(held: object) -> str:
    """Give the module of the class of an object, or of the class or function that it is."""
    if isinstance(held, (type, FunctionType, BuiltinFunctionType)):
        return held.__module__ or ""
    if isinstance(held, MethodType):
        return type(held.__self__).__module__
    return type(held).__module__


def _class_name(held: object) -> str:
    return getattr(held, "__name__", type(held).__name__)


def is_data(module: str) -> bool:
    """Tell whether the objects of a module are data."""
    return any(module == one or module.startswith(f"{one}.") for one in DATA_MODULES)


def _is_dictionary(held: object) -> bool:
    return f"{type(held).__module__}.{type(held).__qualname__}" in DICTIONARIES
