"""The arrays of a skops archive: files of NumPy's `.npy` format, and of SciPy's `.npz` for sparse tables.

The formats are those of NumPy's `numpy/lib/_format_impl.py`, and of `save_npz` in SciPy's
`scipy/sparse/_matrix_io.py`.
"""

from __future__ import annotations

import ast
import math
import re
import zipfile
from typing import IO, TYPE_CHECKING, NamedTuple

from infer_cli.inspection.formats.skops_schema import refuse
from infer_cli.inspection.nodes.arrays import DTYPE, values_of
from infer_cli.inspection.nodes.layouts import layout_of
from infer_cli.inspection.nodes.node_types import Array, Blob, DictNode, Instance
from infer_cli.inspection.nodes.noters import noter_for

if TYPE_CHECKING:
    from infer_cli.inspection.files.budget import Budget
    from infer_cli.inspection.nodes.node_types import Global, Node

# An array of at most this size is always read; a larger one only if it is a wanted attribute.
SMALL_BYTES = 1024
ARRAY_BYTES_MAX = 1024 * 1024
HEADER_BYTES_MAX = 10_000
CHUNK_BYTES = 256 * 1024
NOT_UNDERSTOOD = "holds an array that infer does not understand"
# The bytes that hold the length of the header of an .npy file, by the magic string and version before them.
_HEADER_SIZES = {b"\x93NUMPY\x01\x00": 2, b"\x93NUMPY\x02\x00": 4}
_TYPE = re.compile(r"([<>|=])([biufcmMSUV])(\d{1,9})(?:\[(\w{1,20})\])?")
_CHARACTER_BYTES = 4


class _Header(NamedTuple):
    dtype: object
    shape: object


def check_array(file: IO[bytes]) -> None:
    """Refuse an array of objects: its elements are a pickle."""
    if _has_objects(_header_of(file).dtype):
        refuse("holds a pickle in place of an array")


def array_of(file: IO[bytes], budget: Budget, *, is_wanted: bool) -> Node:
    """Read an array; one that is too large, or is not wanted, is looked at, and only counted."""
    header = _header_of(file)
    dtype, shape = _dtype_node(header.dtype), header.shape
    if dtype is None or not isinstance(shape, tuple):
        return Blob(0)
    sizes = tuple(size for size in shape if type(size) is int and size >= 0)
    if len(sizes) != len(shape):
        refuse(NOT_UNDERSTOOD)
    length = math.prod(sizes) * dtype.itemsize
    if length <= (ARRAY_BYTES_MAX if is_wanted else SMALL_BYTES):
        budget.take_bytes(length)
        return Array(dtype.node, sizes, file.read(length))
    noter = noter_for(layout_of(dtype.node), length)
    if noter is None:
        return Array(dtype.node, sizes, Blob(length))
    left = length
    while left and (data := file.read(min(left, CHUNK_BYTES))):
        noter.take(data)
        left -= len(data)
    if left:
        refuse(NOT_UNDERSTOOD)
    return Array(dtype.node, sizes, Blob(length, notes=noter.notes()))


def sparse_of(file: IO[bytes], made_by: Global, budget: Budget) -> Node:
    """Read a sparse table as the object that a pickle would describe."""
    attributes: list[Node] = []
    with zipfile.ZipFile(file) as archive:
        for name in archive.namelist():
            with archive.open(name) as member:
                held = array_of(member, budget, is_wanted=False)
            if name == "shape.npy":
                attributes += ["_shape", values_of(held)]
            elif name != "format.npy":
                attributes += [name.removesuffix(".npy"), held]
    return Instance(made_by, (), states=(DictNode(attributes),))


class _Dtype(NamedTuple):
    node: Instance
    itemsize: int


def _dtype_node(described: object) -> _Dtype | None:
    """Give the dtype of a header as the node that a pickle would give; None if it is none of a model."""
    if isinstance(described, list):
        return _structure(described)
    found = _TYPE.fullmatch(described) if isinstance(described, str) else None
    if found is None:
        return None
    order, kind, size, unit = found.groups()
    itemsize = int(size) * (_CHARACTER_BYTES if kind == "U" else 1)
    state: tuple[Node, ...] = (3, order, None, None, None, -1, -1, 0)
    if kind in "SUV":
        state = (3, order, None, None, None, itemsize, 1, 0)
    if unit:
        # The unit of a date, as metadata of the dtype.
        state = (*state, (None, (unit.encode(), 1, 1, 1)))
    return _Dtype(Instance(DTYPE, (f"{kind}{size}", False, True), states=(state,)), itemsize)


def _structure(described: list[object]) -> _Dtype | None:
    names: list[Node] = []
    fields: list[Node] = []
    end = 0
    for field in described:
        match field:
            case (str(name), str(code)):
                part = _dtype_node(code)
            case _:
                return None
        if part is None:
            return None
        # What fills a gap has no name.
        if name:
            names.append(name)
            fields += [name, (part.node, end)]
        end += part.itemsize
    state = (3, "|", None, tuple(names), DictNode(fields), end, 1, 0)
    return _Dtype(Instance(DTYPE, (f"V{end}", False, True), states=(state,)), end)


def _header_of(file: IO[bytes]) -> _Header:
    width = _HEADER_SIZES.get(file.read(8))
    size = 0 if width is None else int.from_bytes(file.read(width), "little")
    if width is None or size > HEADER_BYTES_MAX:
        refuse(NOT_UNDERSTOOD)
    try:
        described = ast.literal_eval(file.read(size).decode("latin-1").strip())
        return _Header(described["descr"], described["shape"])
    except (ValueError, SyntaxError, TypeError, KeyError, RecursionError, MemoryError) as error:
        refuse(NOT_UNDERSTOOD, error)


def _has_objects(described: object) -> bool:
    """Say whether a dtype of an .npy header, or a dtype inside it, is that of objects."""
    if isinstance(described, str):
        return "O" in described
    return isinstance(described, list | tuple) and any(map(_has_objects, described))
