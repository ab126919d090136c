"""Other values in the place of a value: numbers, strings, arrays, containers, parts and functions."""

from __future__ import annotations

import copy
import importlib
import math
from functools import lru_cache
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from service.loading.attributes import known_classes
from service.loading.policy import NAME, Policy

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

# Anything that a model holds.
Value: TypeAlias = Any

INTEGERS = (0, 1, -1, 2, 3, 7, 64, 10**4, 10**9, 2**31 - 1, 2**31, -(2**31), 2**63 - 1, -(2**63))
FLOATS = (0.0, -0.0, 1.0, -1.0, 0.5, 1e-300, 1e300, 1e18, math.nan, math.inf, -math.inf)
DTYPES = ("f8", "f4", "f2", ">f8", "i8", ">i8", "i4", "u8", "u1", "i1", "?", "c16", "U3", "S2", "M8[ns]", "O")
STRINGS = (
    *("filename", "file", "content", "precomputed", "auto", "brute", "kd_tree", "ball_tree", "rbf", "linear"),
    *("poly", "sigmoid", "cosine", "haversine", "minkowski", "nan_euclidean", "mahalanobis", "seuclidean"),
    *("soft", "hard", "passthrough", "drop", "predict", "predict_proba", "decision_function", "transform"),
    *("eval", "query", "to_csv", "to_pickle", "dump", "tofile", "save", "fit", "__reduce__", "__init__"),
    *("coef_", "feature_importances_", "tree_.compute_node_depths", "log_loss", "char", "char_wb", "word"),
    *("utf-8", "idna", "rot13", "strict", "ignore", "loky", "multiprocessing", "threading", "/etc/passwd"),
    *("/var/infer-fuzz", "http://127.0.0.1:9/", "pandas", "polars", "default", "", "a" * 5000),
    *("(a+)+$", r"(?u)\b\w\w+\b", "onehot", "ordinal", "most_frequent", "constant", "periodic", "continue"),
)
FUNCTIONS = (FunctionType, BuiltinFunctionType, MethodType, np.ufunc, type)
PLAIN = (bool, int, float, complex, str, bytes, type(None))


@lru_cache(maxsize=1)
def method_names() -> list[str]:
    """List the names that no attribute may hide, and those that objects of other types have."""
    found = {name for known in known_classes().values() for name in known.methods}
    return sorted(found | {*dir(np.ndarray), *dir(dict), *dir(list), *STRINGS[24:34]})


@lru_cache(maxsize=1)
def allowed_functions() -> list[Value]:
    """List the functions and types that the allow-list lets a file hold as they are."""
    found = []
    for (module, name), use in sorted(Policy()._uses.items()):
        if use != NAME or name == "*":
            continue
        try:
            value = importlib.import_module(module)
            for part in name.split("."):
                value = getattr(value, part)
        except (ImportError, AttributeError):
            continue
        found.append(value)
    return found


def other(random: Random, value: Value, donors: list[Value]) -> Value:
    """Give another value: changed, of the same type out of `donors`, or anything out of them."""
    chance = random.random()
    if chance < 0.08:
        return random.choice(donors)
    if chance < 0.3:
        alike = [one for one in donors if type(one) is type(value)]
        if alike:
            return random.choice(alike)
    return changed(random, value, donors)


def changed(random: Random, value: Value, donors: list[Value]) -> Value:  # noqa: C901, PLR0911 (one for each type)
    """Give a value that is made of this one."""
    if random.random() < 0.04:
        return random.choice(allowed_functions())
    if isinstance(value, bool):
        return not value
    if isinstance(value, (int, np.integer)):
        chosen = random.choice((*INTEGERS, int(value) + 1, int(value) - 1, -int(value)))
        return _as_type_of(value, chosen)
    if isinstance(value, (float, np.floating)):
        return _as_type_of(value, random.choice((*FLOATS, float(value) * -1)))
    if isinstance(value, str):
        return random.choice((random.choice(STRINGS), random.choice(method_names())))
    if isinstance(value, np.ndarray):
        return changed_array(random, value, donors)
    if isinstance(value, (list, tuple, dict)):
        return changed_container(random, value, donors)
    if isinstance(value, FUNCTIONS):
        return random.choice(allowed_functions())
    if value is None:
        return random.choice((*INTEGERS[:8], *FLOATS[-3:], *STRINGS, True))
    attributes = getattr(value, "__dict__", None)
    if attributes:
        return changed_object(random, value, donors)
    return random.choice(donors)


def _as_type_of(value: Value, chosen: Value) -> Value:
    try:
        return type(value)(chosen)
    except (OverflowError, ValueError, TypeError):
        return chosen


def changed_array(random: Random, value: Value, donors: list[Value]) -> Value:
    """Give an array with another shape, data type or order, or with other elements."""
    array = np.array(value, copy=True)
    ways: dict[str, Callable[[], Value]] = {
        "dtype": lambda: _as_dtype(random, array),
        "shape": lambda: array.reshape(
            random.choice(((-1,), (-1, 1), (1, -1), (1, 1, -1), array.shape[::-1]))
        ),
        "length": lambda: np.resize(array, (random.choice(_lengths(len(array))), *array.shape[1:])),
        "order": lambda: random.choice((np.asfortranarray(array), array[::-1], array.T, array[::2])),
        "axes": lambda: random.choice(
            (array[None], array.ravel(), array[..., None], np.empty((0,) * array.ndim))
        ),
        "objects": lambda: _as_objects(random, array, donors),
    }
    way = random.choice(("elements", "elements", "elements", "elements", *ways))
    try:
        return ways[way]() if way in ways else _with_elements(random, array)
    except (ValueError, TypeError, IndexError, OverflowError, SystemError):
        return array[:0] if array.ndim else array


def _lengths(length: int) -> tuple[int, ...]:
    return (0, 1, max(length - 1, 0), length + 1, length * 2, length * 50)


def _as_dtype(random: Random, array: Value) -> Value:
    dtype = random.choice((*DTYPES, array.dtype.newbyteorder()))
    return array.view(dtype) if random.random() < 0.2 and dtype != "O" else array.astype(dtype)


def _as_objects(random: Random, array: Value, donors: list[Value]) -> Value:
    filled = np.empty(array.shape, dtype=object)
    filled[...] = array
    if filled.size:
        filled.ravel()[random.randrange(filled.size)] = random.choice(donors)
    return filled


def _with_elements(random: Random, array: Value) -> Value:
    """Change one element, or some; of records one field of some."""
    target = array[random.choice(array.dtype.names)] if array.dtype.names else array
    if target.size == 0:
        return array
    flat = target.reshape(-1)
    for _ in range(random.choice((1, 1, 3, 30))):
        at = random.randrange(flat.size)
        if flat.dtype.kind in "iu":
            chosen: Value = random.choice((*INTEGERS, int(flat[at]) + 1, int(flat[at]) - 1, at))
            limits = np.iinfo(flat.dtype)
            chosen = min(max(chosen, int(limits.min)), int(limits.max))
        elif flat.dtype.kind in "fc":
            chosen = random.choice(FLOATS)
        elif flat.dtype.kind in "OUS":
            chosen = random.choice((*STRINGS, 0, -1, math.nan))
        else:
            chosen = flat[random.randrange(flat.size)]
        if flat.base is not None and np.shares_memory(flat, target):
            flat[at] = chosen
        else:
            target[np.unravel_index(at, target.shape)] = chosen
    return array


def changed_container(random: Random, value: Value, donors: list[Value]) -> Value:
    """Give a container with an entry more, less, elsewhere, or with itself in it."""
    changed_one = _changed_dictionary if isinstance(value, dict) else _changed_sequence
    return changed_one(random, value, donors)


def _changed_dictionary(random: Random, value: Value, donors: list[Value]) -> Value:
    entries = list(value.items())
    way = random.choice(("remove", "add", "change", "swap", "key", "itself"))
    if not entries or way == "add":
        return _like(value, {**value, random.choice((*method_names(), 7)): random.choice(donors)})
    at = random.randrange(len(entries))
    key, held = entries[at]
    if way == "remove":
        del entries[at]
    elif way == "key":
        entries[at] = (random.choice((*STRINGS, -1, 10**9, 0.5)), held)
    elif way == "swap":
        entries[at] = (key, random.choice(entries)[1])
    elif way == "change":
        entries[at] = (key, other(random, held, donors))
    made = _like(value, dict(entries))
    if way == "itself":
        made[key] = made
    return made


def _changed_sequence(random: Random, value: Value, donors: list[Value]) -> Value:
    items = list(value)
    way = random.choice(("remove", "add", "change", "swap", "twice", "itself", "long"))
    if way == "itself" and isinstance(value, list):
        items.append(items)
        return items
    if not items or way in ("add", "itself"):
        return _like(value, [*items, random.choice(donors)])
    at = random.randrange(len(items))
    if way == "remove":
        del items[at]
    elif way == "change":
        items[at] = other(random, items[at], donors)
    elif way == "swap":
        random.shuffle(items)
    elif way == "twice":
        items.insert(at, items[at])
    else:
        items *= 50
    return _like(value, items)


def _like(value: Value, made: Value) -> Value:
    try:
        return type(value)(made)
    except TypeError:
        return made


def changed_object(random: Random, value: Value, donors: list[Value]) -> Value:
    """Give a copy of an object with an attribute less, more, or of another value."""
    try:
        made = copy.copy(value)
        attributes = vars(made)
    except Exception:  # noqa: BLE001 (what cannot be copied is left as it is)
        return random.choice(donors)
    names = [name for name in attributes if isinstance(name, str)]
    way = random.choice(("remove", "change", "change", "change", "swap", "hide", "itself"))
    if way == "hide" or not names:
        named = [name for name in dir(type(value)) if not name.startswith("__")]
        attributes[random.choice(named or ["predict"])] = random.choice((*donors, *allowed_functions()[:40]))
        return made
    name = random.choice(names)
    if way == "remove":
        del attributes[name]
    elif way == "itself":
        attributes[name] = made
    elif way == "swap":
        attributes[name] = attributes[random.choice(names)]
    else:
        attributes[name] = other(random, attributes[name], donors)
    return made
