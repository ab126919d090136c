"""Whether the data types and tables that a pickle has made are what they say."""

from __future__ import annotations

import math
from contextlib import suppress
from typing import Any, cast

import numpy as np

from service.errors import Forbidden

# The bit of a dtype's flags that NumPy sets for structures by their layout.
LAYOUT_FLAGS = 0x80
SHAPE_BEFORE = 3
# How many rows or columns a table of pandas may have.
LABELS_MAX = 10_000_000
DTYPE_STATE_PARTS = 8


def is_special(name: object) -> bool:
    """Tell whether this is a name such as `__class__`, to which Python or NumPy gives a meaning."""
    return isinstance(name, str) and name.startswith("__") and name.endswith("__")


def check_dtype(dtype: np.dtype[np.generic]) -> None:
    """Refuse a dtype whose flags do not fit its type: NumPy would take bytes of an array for addresses."""
    if dtype.names:
        fields = [dtype.fields[name] for name in dtype.names] if dtype.fields else []
        # NumPy adds these in 32 bits, and reads far outside of the array where the sum is too large.
        if any(field[1] < 0 or field[1] + field[0].itemsize > dtype.itemsize for field in fields):
            raise Forbidden("has a data type whose fields lie outside of it")
        layout = {
            "names": list(dtype.names),
            "formats": [field[0] for field in fields],
            "offsets": [field[1] for field in fields],
            "itemsize": dtype.itemsize,
        }
        honest = np.dtype(layout)  # type: ignore[call-overload]  # NumPy's types do not know dictionaries
    elif dtype.subdtype:
        honest = np.dtype(dtype.subdtype)
    else:
        honest = np.dtype(dtype.str)
    if (honest.flags ^ dtype.flags) & ~LAYOUT_FLAGS or honest.itemsize != dtype.itemsize:
        raise Forbidden("has a data type that lies about itself")


def check_dtype_state(instance: object, state: object) -> None:
    """Refuse the state of a dtype whose fields or elements have none: NumPy would take any object for one."""
    if not isinstance(instance, np.dtype):
        return
    # The state in `arraydescr_setstate` of NumPy's `descriptor.c`.
    if not isinstance(state, tuple) or len(state) < DTYPE_STATE_PARTS:
        raise Forbidden("has a data type that lies about itself")
    subarray, names, fields = state[2:5]
    parts = [*fields.values()] if isinstance(fields, dict) else []
    parts += [] if subarray is None else [subarray]
    has_labels = names is None or (
        isinstance(names, tuple)
        and isinstance(fields, dict)
        and all(isinstance(one, str) and one in fields for one in names)
    )
    has_dtypes = all(
        isinstance(one, tuple) and len(one) > 1 and isinstance(one[0], np.dtype) for one in parts
    )
    if not has_labels or not has_dtypes:
        raise Forbidden("has a data type that lies about itself")


def check_elements(instance: object, state: object) -> None:
    """Refuse an array that gets another number of objects than it has elements: NumPy would read behind them.

    In the state of an array (`array_setstate` in NumPy's `methods.c`), the shape stands three places before
    the list of the objects.
    """
    if not isinstance(instance, np.ndarray) or not isinstance(state, tuple):
        return
    for at, part in enumerate(state):
        if isinstance(part, list):
            shape = state[at - SHAPE_BEFORE] if at >= SHAPE_BEFORE else None
            is_shape = isinstance(shape, tuple) and all(type(one) is int for one in shape)
            if not is_shape or math.prod(cast("tuple[int, ...]", shape)) != len(part):
                raise Forbidden("has an array with another number of objects than it says")


def check_labels(instance: object) -> None:
    """Refuse a pandas table with a special attribute as a label.

    NumPy would read such a label as an attribute of the table, and take its value for an address.
    """
    if type(instance).__module__.partition(".")[0] != "pandas":
        return
    # pandas has no types.
    with suppress(AttributeError):
        for axis in cast("Any", instance).axes:
            # A range of labels costs the file nothing, however long it is.
            if len(axis) > LABELS_MAX:
                raise Forbidden("has a table that is longer than any model's")
            if type(axis).__name__ != "RangeIndex" and any(map(is_special, axis)):
                raise Forbidden("has a table with a special label")


def check_arrow(made: object) -> None:
    """Refuse an array of Arrow whose buffers do not hold it: pandas would read behind them."""
    if type(made).__module__.startswith("pyarrow.") and hasattr(made, "validate"):
        try:
            made.validate(full=True)
        except Exception as error:  # Arrow's own errors.
            raise Forbidden("has an array of Arrow whose buffers do not fit its length") from error
