"""The compiled library, and what it and Python must agree on: see native.h."""

from __future__ import annotations

import ctypes
import platform
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

# As in native.h.
NODE = np.dtype([("threshold", "<f8"), ("left", "<i4"), ("feature", "<u4")])
MISSING_LEFT = 0x80000000
CATEGORIES = 0x40000000
FEATURE = 0x3FFFFFFF
MOST_FEATURES = 1024
SET_WORDS = 4
WORKSPACE = 4096
GIVE_UP = -1
# Work on so little is over before another thread could have used the time, and longer work lets others run.
FEW_ROWS = 64
FEW_BYTES = 16 * 1024


class ForestStruct(ctypes.Structure):
    """`Forest` of native.h."""

    _fields_ = (
        *((name, ctypes.c_void_p) for name in ("nodes", "leaf", "values", "sets", "roots", "columns")),
        *((name, ctypes.c_int64) for name in ("trees", "width", "outputs", "has_categories")),
    )


class ColumnsStruct(ctypes.Structure):
    """`Columns` of native.h."""

    _fields_ = (("names", ctypes.c_char_p), ("ends", ctypes.c_void_p), ("features", ctypes.c_int64))


class OperationStruct(ctypes.Structure):
    """`Operation` of native.h."""

    _fields_ = (
        *((name, ctypes.c_int64) for name in ("kind", "start", "inputs", "to", "outputs")),
        *((name, ctypes.c_void_p) for name in ("first", "second", "columns", "forest")),
        *((name, ctypes.c_double) for name in ("low", "high")),
    )


class RowProgramStruct(ctypes.Structure):
    """`Path` of native.h."""

    _fields_ = (
        ("operations", ctypes.POINTER(OperationStruct)),
        *((name, ctypes.c_int64) for name in ("count", "features", "start", "scores", "link", "decision")),
    )


@dataclass(frozen=True)
class Library:
    """The same functions twice: holding the interpreter while they work, or letting other threads run."""

    holding: Any
    releasing: Any


def _load() -> Library | None:
    if sys.platform != "linux":
        return None
    file = Path(__file__).with_name(f"{platform.machine()}.so")
    try:
        library = Library(ctypes.PyDLL(str(file)), ctypes.CDLL(str(file)))
    except OSError:
        return None
    address, number = ctypes.c_void_p, ctypes.c_int64
    for functions in (library.holding, library.releasing):
        functions.add_leaves.argtypes = (address, address, number, number, address)
        functions.add_leaves.restype = None
        functions.read_rows.argtypes = (address, ctypes.c_char_p, number, address, number)
        functions.read_rows.restype = number
        functions.read_query.argtypes = (address, ctypes.c_char_p, number, address)
        functions.read_query.restype = number
        functions.answer_row.argtypes = (address, address, address)
        functions.answer_row.restype = number
        functions.answer_body.argtypes = (address, address, ctypes.c_char_p, number, address)
        functions.answer_body.restype = number
        functions.answer_query.argtypes = (address, address, ctypes.c_char_p, number, address, address)
        functions.answer_query.restype = number
    return library


LIBRARY = _load()


def within(numbers: Any, count: int) -> bool:  # noqa: ANN401
    """Tell whether all numbers are positions in an array of `count` elements."""
    return bool(((numbers >= 0) & (numbers < count)).all())
