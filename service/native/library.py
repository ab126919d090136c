"""Loads the compiled C code, and declares what Python and C share: native.h must agree with this module."""

from __future__ import annotations

import ctypes
import platform
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from typing import Any, TypeAlias

    # NumPy's types cannot say the shape of an array, and the C code is given arrays of several dtypes.
    Array: TypeAlias = "np.ndarray[Any, np.dtype[Any]]"

# `Node`, its flags, and the limits of native.h.
NODE = np.dtype([("threshold", "<f8"), ("left", "<i4"), ("feature", "<u4")])
MISSING_LEFT = 0x80000000
CATEGORIES = 0x40000000
FEATURE = 0x3FFFFFFF
FEATURES_MAX = 1024
SET_WORDS = 4
WORKSPACE = 4096
GIVE_UP = -1
# The kinds of tables: a list of numbers, of lists, or of objects.
FLAT, LISTS, OBJECTS = range(3)
# A call for at most this many rows or bytes keeps the GIL, because it ends sooner than another thread could
# take over. A longer call releases the GIL, so that other threads run meanwhile.
GIL_ROWS_MAX = 64
GIL_BYTES_MAX = 16 * 1024


class ForestStruct(ctypes.Structure):
    """`Forest` of native.h."""

    _fields_ = (
        *((name, ctypes.c_void_p) for name in ("nodes", "leaf", "values", "sets", "roots", "columns")),
        *((name, ctypes.c_int64) for name in ("trees", "width", "outputs", "has_categories")),
    )


class ColumnsStruct(ctypes.Structure):
    """`Columns` of native.h."""

    _fields_ = (("names", ctypes.c_char_p), ("ends", ctypes.c_void_p), ("features", ctypes.c_int64))


class TableStruct(ctypes.Structure):
    """`Table` of native.h."""

    _fields_ = tuple((name, ctypes.c_int64) for name in ("kind", "start", "end", "rows", "width"))


class RowOperationStruct(ctypes.Structure):
    """`RowOperation` of native.h."""

    _fields_ = (
        *((name, ctypes.c_int64) for name in ("kind", "start", "inputs", "to", "outputs")),
        *((name, ctypes.c_void_p) for name in ("first", "second", "columns", "forest")),
        *((name, ctypes.c_double) for name in ("low", "high")),
    )


class RowProgramStruct(ctypes.Structure):
    """`RowProgram` of native.h."""

    _fields_ = (
        ("operations", ctypes.POINTER(RowOperationStruct)),
        *((name, ctypes.c_int64) for name in ("count", "features", "start", "scores", "link", "decision")),
    )


@dataclass(frozen=True)
class Library:
    """The compiled C code, loaded twice.

    `with_gil` keeps the GIL during a call, and `without_gil` releases it.
    """

    with_gil: ctypes.PyDLL
    without_gil: ctypes.CDLL


def _load() -> Library | None:
    if sys.platform != "linux":
        return None
    file = Path(__file__).with_name(f"{platform.machine()}.so")
    try:
        library = Library(ctypes.PyDLL(str(file)), ctypes.CDLL(str(file)))
    except OSError:
        return None
    address, number = ctypes.c_void_p, ctypes.c_int64
    for functions in (library.with_gil, library.without_gil):
        functions.add_leaves.argtypes = (address, address, number, number, address)
        functions.add_leaves.restype = None
        functions.read_rows.argtypes = (address, ctypes.c_char_p, number, address, number)
        functions.read_rows.restype = number
        functions.read_query.argtypes = (address, ctypes.c_char_p, number, address)
        functions.read_query.restype = number
        functions.find_tables.argtypes = (address, ctypes.c_char_p, number, address, number, address, number)
        functions.find_tables.restype = number
        functions.read_csv.argtypes = (number, ctypes.c_char_p, number, address, number)
        functions.read_csv.restype = number
        functions.answer_row.argtypes = (address, address, address)
        functions.answer_row.restype = number
        functions.answer_body.argtypes = (address, address, ctypes.c_char_p, number, address)
        functions.answer_body.restype = number
        functions.answer_query.argtypes = (address, address, ctypes.c_char_p, number, address, address)
        functions.answer_query.restype = number
    return library


LIBRARY = _load()


def are_positions(numbers: Array, count: int) -> bool:
    """Tell whether all numbers are positions in an array of `count` elements."""
    return bool(((numbers >= 0) & (numbers < count)).all())
