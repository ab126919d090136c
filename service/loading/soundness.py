"""What the checks of values share: how a check says that a value is unsound, and how it reads attributes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from service.errors import UnsoundValue

if TYPE_CHECKING:
    # NumPy's types cannot say the shape of an array.
    Array = np.ndarray[Any, np.dtype[Any]]
    # A part of a loaded model, whose class is known by its name alone.
    Part = Any

# Compiled code counts with signed numbers of 64 bits, and some of it with 32.
COUNT_MAX = 2**31 - 1


def require(is_sound: object, what: str) -> None:
    """Raise `UnsoundValue` unless the statement holds."""
    if not is_sound:
        raise UnsoundValue(what)


def array(value: object, name: str, *shape: int | None) -> Array:
    """Give an array of this shape, where None is any length; raise `UnsoundValue` for anything else."""
    if not isinstance(value, np.ndarray):
        raise UnsoundValue(f"whose {name} is no array")
    expected = " x ".join("any" if length is None else str(length) for length in shape)
    fits = value.ndim == len(shape) and all(
        length in (None, found) for found, length in zip(value.shape, shape)
    )
    require(fits, f"whose {name} has the shape {value.shape} in place of {expected}")
    return value


def whole(value: object, name: str, low: int = 0, high: int = COUNT_MAX) -> int:
    """Give a whole number between two bounds; raise `UnsoundValue` for anything else."""
    if isinstance(value, (int, np.integer)) and not isinstance(value, bool) and low <= value <= high:
        return int(value)
    raise UnsoundValue(f"whose {name} is no whole number from {low} to {high}")


def within(values: Array, low: int, high: int, name: str) -> None:
    """Raise `UnsoundValue` unless all values of an array of whole numbers are at least low and below high."""
    require(values.dtype.kind in "iub", f"whose {name} are no whole numbers")
    if values.size:
        is_within = int(values.min()) >= low and int(values.max()) < high
        require(is_within, f"whose {name} are not all from {low} to {high - 1}")


def attributes(part: Part) -> Part:
    """Give the attributes that lie in an object itself, by name: no property of its class is called."""
    found: dict[str, Part] | None = getattr(part, "__dict__", None)
    return {} if found is None else found


def bases(part: Part) -> frozenset[str]:
    """Name the classes of an object, without their modules, which differ between versions."""
    return frozenset(cls.__name__ for cls in type(part).__mro__)
