"""NumPy's dtypes, arrays and scalars, read from nodes without NumPy.

The pickled forms are what `arraydescr_reduce`, `array_reduce_ex` and `gentype_reduce` write; see
`descriptor.c`, `methods.c` and `scalartypes.c.src` in NumPy's `numpy/_core/src/multiarray/`.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal, TypeAlias

from infer_cli.inspection.nodes.node_types import Array, DictNode, Global, Instance, ListNode, Node

if TYPE_CHECKING:
    from collections.abc import Callable

Plain: TypeAlias = bool | int | float | str | None

DTYPE = Global("numpy", "dtype")
# How deep the fields of a structured dtype may be nested.
DEPTH_MAX = 8
# NumPy's NPY_ITEM_HASOBJECT, and the value of all flags that a dtype of objects has (NPY_OBJECT_DTYPE_FLAGS).
HAS_OBJECTS_FLAG = 1
OBJECT_FLAGS = 63
_CODE = re.compile(r"([biufcmMOSUV])(\d{1,9})")
# The dtype "U3" counts characters; each takes four bytes in UTF-32.
_CHARACTER_BYTES = 4
# The `struct` formats of floats, by their bytes.
_FLOATS = {2: "e", 4: "f", 8: "d"}
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 (a NumPy date has no time zone)
# NumPy's NaT, the missing date.
_NOT_A_TIME = -(2**63)
# The nanoseconds in one unit of a date.
_NANOSECONDS = {"D": 86_400 * 10**9, "s": 10**9, "ms": 10**6, "us": 1000, "ns": 1}


@dataclass(frozen=True, slots=True)
class Dtype:
    """The dtype of an array: NumPy's letter `dtype.kind`, and the bytes of one element.

    `unit` is the unit that a date counts, such as "us"; "" for other dtypes.
    """

    kind: str
    itemsize: int
    is_big_endian: bool
    has_objects: bool
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Content:
    """What an array holds: its dtype, as it is read and as its node, its shape, and its data."""

    dtype: Dtype
    dtype_node: Node
    shape: tuple[int, ...]
    data: Node


def dtype_of(node: Node, depth: int = 0) -> Dtype | None:
    """Read a dtype; None if any part of it is unknown or contradicts another part."""
    if depth > DEPTH_MAX or not isinstance(node, Instance) or node.callee != DTYPE or node.keywords:
        return None
    match node.arguments:
        case (str(code), *_) if (match := _CODE.fullmatch(code)) is not None:
            kind, size = match[1], int(match[2]) * (_CHARACTER_BYTES if match[1] == "U" else 1)
        case _:
            return None
    if not node.states:
        return Dtype(kind, size, is_big_endian=False, has_objects=kind == "O")
    return _with_state(kind, size, node.states[0], depth) if len(node.states) == 1 else None


def _with_state(kind: str, size: int, state: Node, depth: int) -> Dtype | None:
    """Read a dtype with its state of eight items; a ninth item holds metadata, such as the unit of a date."""
    match state:
        case (int(), str(order), subarray, names, fields, int(itemsize), int(), int(flags), *more):
            pass
        case _:
            return None
    has_objects = kind == "O"
    if itemsize not in {-1, size}:
        return None
    if names is not None or fields is not None or subarray is not None:
        parts = _subarray(subarray, depth) if fields is None else _fields(fields, depth)
        if kind != "V" or parts is None:
            return None
        has_objects = any(part.has_objects for part in parts)
    # NumPy trusts the flags: with false flags it would take the bytes of an array for addresses of objects.
    if has_objects != bool(flags & HAS_OBJECTS_FLAG) or (kind == "O" and flags != OBJECT_FLAGS):
        return None
    return Dtype(kind, size, is_big_endian=order == ">", has_objects=has_objects, unit=_unit(more))


def _unit(more: list[Node]) -> str:
    match more:
        case [(_, (unit, 1, *_))]:
            return (raw_of(unit) or b"").decode("latin-1")
    return ""


def _fields(fields: Node, depth: int) -> list[Dtype] | None:
    if not isinstance(fields, DictNode):
        return None
    parts = []
    for _, field in fields.pairs():
        match field:
            case (dtype, int(), *_):
                part = dtype_of(dtype, depth + 1)
            case _:
                return None
        if part is None:
            return None
        parts.append(part)
    return parts


def _subarray(subarray: Node, depth: int) -> list[Dtype] | None:
    """Read the dtype of a field that is itself an array of fixed shape."""
    match subarray:
        case (base, tuple()):
            part = dtype_of(base, depth + 1)
            return None if part is None else [part]
    return None


def shape_of(node: Node) -> tuple[int, ...] | None:
    """Give the shape of an array; None if the node is no array."""
    content = content_of(node)
    return None if content is None else content.shape


def objects_of(node: Node) -> list[Node]:
    """Give the elements of an array of objects, whatever its shape; [] for any other node."""
    content = content_of(node)
    return content.data.items if content is not None and isinstance(content.data, ListNode) else []


def has_objects(node: Node) -> bool:
    """Say whether a node is an array that holds objects; an array whose dtype is not understood counts."""
    content = content_of(node)
    if content is None:
        return isinstance(node, Array)
    return content.dtype.has_objects or isinstance(content.data, ListNode)


def dtype_kind_of(node: Node) -> str | None:
    """Give the letter `dtype.kind` of an array; None if the node is no array."""
    content = content_of(node)
    return None if content is None else content.dtype.kind


def values_of(node: Node) -> tuple[Plain, ...] | None:
    """Give the elements of a one-dimensional array, list or tuple; None if one is not a plain value."""
    if isinstance(node, ListNode):
        return _plain_items(node.items)
    if isinstance(node, tuple):
        return _plain_items(list(node))
    content = content_of(node)
    if content is None or len(content.shape) != 1:
        return None
    if isinstance(content.data, ListNode):
        items = _plain_items(content.data.items)
    else:
        items = _elements(content.dtype, raw_of(content.data))
    return items if items is not None and len(items) == content.shape[0] else None


def scalar_of(node: Node) -> Plain | tuple[()]:
    """Give the plain value of a number, string or NumPy scalar; an empty tuple for any other node."""
    if node is None or isinstance(node, bool | int | float | str):
        return node
    match node:
        case Instance(arguments=(dtype, data)) if _is_numpy(node.callee, "scalar"):
            understood = dtype_of(dtype)
        case Array(dtype=dtype, shape=(), data=data):
            # skops saves a number of NumPy as an array without dimensions.
            understood = dtype_of(dtype)
        case _:
            return ()
    values = None if understood is None else _elements(understood, raw_of(data))
    return values[0] if values is not None and len(values) == 1 else ()


def _plain_items(nodes: list[Node]) -> tuple[Plain, ...] | None:
    items: list[Plain] = []
    for node in nodes:
        item = scalar_of(node)
        if isinstance(item, tuple):
            return None
        items.append(item)
    return tuple(items)


def content_of(node: Node) -> Content | None:
    """Give what an array holds; None if the node is no array, or is not understood."""
    if isinstance(node, Array):
        dtype = dtype_of(node.dtype)
        return None if dtype is None else Content(dtype, node.dtype, node.shape, node.data)
    if not isinstance(node, Instance):
        return None
    if _is_numpy(node.callee, "_reconstruct") and len(node.states) == 1:
        match node.states[0]:
            case (int(), tuple(shape), array_dtype, bool(), data):
                return _checked(array_dtype, shape, data)
    elif _is_numpy(node.callee, "_frombuffer"):
        match node.arguments:
            case (data, array_dtype, tuple(shape), str()):
                return _checked(array_dtype, shape, data)
    return None


def _checked(dtype: Node, shape: tuple[Node, ...], data: Node) -> Content | None:
    understood = dtype_of(dtype)
    sizes = tuple(size for size in shape if isinstance(size, int))
    if understood is None or len(sizes) != len(shape):
        return None
    return Content(understood, dtype, sizes, data)


def _is_numpy(callee: Node, name: str) -> bool:
    if not isinstance(callee, Global) or callee.name != name:
        return False
    return callee.module in {
        "numpy.core.multiarray",
        "numpy._core.multiarray",
        "numpy.core.numeric",
        "numpy._core.numeric",
    }


def raw_of(node: Node) -> bytes | None:
    """Give the bytes of an array; protocols 0 to 2 hold them as a string and a call of `_codecs.encode`."""
    if isinstance(node, bytes):
        return node
    if isinstance(node, Instance) and node.callee == Global("_codecs", "encode"):
        match node.arguments:
            case (str(string), "latin1"):
                return string.encode("latin-1", "replace")
    return None


def _elements(dtype: Dtype, data: bytes | None) -> tuple[Plain, ...] | None:
    decode = _decoder(dtype)
    if data is None or decode is None or not dtype.itemsize or len(data) % dtype.itemsize:
        return None
    try:
        return tuple(decode(data[at : at + dtype.itemsize]) for at in range(0, len(data), dtype.itemsize))
    except UnicodeDecodeError:
        return None


def _decoder(dtype: Dtype) -> Callable[[bytes], Plain] | None:
    order: Literal["big", "little"] = "big" if dtype.is_big_endian else "little"
    suffix = "be" if dtype.is_big_endian else "le"
    decoders: dict[str, Callable[[bytes], Plain]] = {
        "b": lambda data: data != b"\0",
        "i": lambda data: int.from_bytes(data, order, signed=True),
        "u": lambda data: int.from_bytes(data, order),
        "U": lambda data: data.decode(f"utf-32-{suffix}").rstrip("\0"),
        "S": lambda data: data.rstrip(b"\0").decode("latin-1"),
    }
    if dtype.itemsize in _FLOATS:
        number = struct.Struct((">" if dtype.is_big_endian else "<") + _FLOATS[dtype.itemsize])
        decoders["f"] = lambda data: float(number.unpack(data)[0])
    if dtype.unit in _NANOSECONDS:
        decoders["M"] = lambda data: _moment(int.from_bytes(data, order, signed=True), dtype.unit)
    return decoders.get(dtype.kind)


def _moment(count: int, unit: str) -> str | None:
    """Give a date in ISO 8601, to the microsecond; None for NaT, and outside the range of `datetime`."""
    if count == _NOT_A_TIME:
        return None
    try:
        return (_EPOCH + timedelta(microseconds=count * _NANOSECONDS[unit] // 1000)).isoformat()
    except OverflowError:
        return None
