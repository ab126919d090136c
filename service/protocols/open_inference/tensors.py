"""Tensors of the Open Inference Protocol: named arrays of one datatype, in JSON or in binary.

The datatypes are those of the protocol's page "rest_predict_v2". The binary form is that of Triton's page
"extension_binary_data": numbers little-endian and without gaps; an element of `BYTES` is its length as 4
bytes, followed by its bytes.
"""

from __future__ import annotations

import math
import struct
from datetime import datetime
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple, Union, cast

import numpy as np

from service.errors import InvalidInput
from service.protocols.row_checks import json_type_of, shortened

if TYPE_CHECKING:
    from collections.abc import Sequence

    from service.json_values import JsonValue

    Array = np.ndarray[Any, np.dtype[Any]]

# An array of numbers; a list where there are texts, or missing values among whole numbers.
Elements = Union["Array", "list[object]"]

BYTES = "BYTES"
DTYPES = {
    "BOOL": np.dtype("?"),
    "UINT8": np.dtype("<u1"),
    "UINT16": np.dtype("<u2"),
    "UINT32": np.dtype("<u4"),
    "UINT64": np.dtype("<u8"),
    "INT8": np.dtype("<i1"),
    "INT16": np.dtype("<i2"),
    "INT32": np.dtype("<i4"),
    "INT64": np.dtype("<i8"),
    "FP16": np.dtype("<f2"),
    "FP32": np.dtype("<f4"),
    "FP64": np.dtype("<f8"),
}
# JSON has no numbers of 16 bits: both KServe and Triton refuse them there.
BINARY_ONLY = "FP16"
INT64_MIN, INT64_MAX, UINT64_MAX = -(2**63), 2**63 - 1, 2**64 - 1
_LENGTH = struct.Struct("<I")
# No array has more dimensions or more elements in one of them.
DIMENSIONS_MAX, SIZE_MAX = 32, 2**40


class Tensor(NamedTuple):
    """A tensor; `values` holds its elements in row-major order, without the shape."""

    name: str
    datatype: str
    shape: tuple[int, ...]
    values: Elements


def tensor_of_json(name: str, datatype: str, shape: tuple[int, ...], data: object) -> Tensor:
    """Read a tensor from `data`, a list that is flat or nested; raise `InvalidInput` if it does not fit.

    For the floats of FP32 and FP64, `data` may be an array of float64.
    """
    if isinstance(data, np.ndarray):
        return _fitting(Tensor(name, datatype, shape, _as_floats(data.ravel(), DTYPES[datatype])))
    if not isinstance(data, list):
        raise InvalidInput(
            f'the data of input "{shortened(name)}" must be a list; it is {json_type_of(data)}'
        )
    flat = data
    while flat and isinstance(flat[0], list):
        if not all(isinstance(part, list) for part in flat):
            raise InvalidInput(f'the data of input "{shortened(name)}" mixes lists and values')
        flat = list(chain.from_iterable(flat))
    values = _texts(name, flat) if datatype == BYTES else _numbers(name, datatype, flat)
    return _fitting(Tensor(name, datatype, shape, values))


def tensor_of_bytes(name: str, datatype: str, shape: tuple[int, ...], data: memoryview) -> Tensor:
    """Read a tensor from its binary form; raise `InvalidInput` if the bytes do not fit."""
    if datatype == BYTES:
        return _fitting(Tensor(name, datatype, shape, _texts_of_bytes(name, data)))
    dtype = DTYPES[datatype]
    if len(data) % dtype.itemsize:
        size = f"{len(data)} bytes, no multiple of the {dtype.itemsize} of {datatype}"
        raise InvalidInput(f'input "{shortened(name)}" has {size}')
    if datatype == "BOOL":
        # Any other byte than 0 and 1 would be a boolean that is neither True nor False.
        return _fitting(Tensor(name, datatype, shape, np.frombuffer(data, np.uint8) != 0))
    return _fitting(Tensor(name, datatype, shape, np.frombuffer(data, dtype)))


def tensors_of_values(
    name: str, values: list[JsonValue], datatype: str | None = None, width: int | None = None
) -> list[Tensor]:
    """Make a tensor of results, one for each row, in JSON's types but for NaN; several if rows are ragged.

    `datatype` is that of the results, if it is known. `width` is the number of columns, if all rows have as
    many.
    """
    if not values:
        return [Tensor(name, datatype or "FP64", (0,) if width is None else (0, width), [])]
    shape, flat = _shape_of(values)
    if flat is not None:
        if flat and isinstance(flat[0], dict):
            raise InvalidInput(f"{name} is too wide for a tensor: ask for it at /prediction")
        datatype = datatype or datatype_of(flat)
        is_text = datatype != BYTES or set(map(type, flat)) == {str}
        return [Tensor(name, datatype, shape, [*flat] if is_text else [*map(_text, flat)])]
    # The model has several outputs, with other numbers of classes each.
    return [
        tensor
        for at in range(len(values[0]))  # type: ignore[arg-type]  # only lists are ragged
        for tensor in tensors_of_values(f"{name}.{at}", [row[at] for row in values])  # type: ignore[index]
    ]


def binary(tensor: Tensor) -> bytes:
    """Write the elements of a tensor in binary."""
    if tensor.datatype != BYTES:
        return np.asarray(tensor.values, DTYPES[tensor.datatype]).tobytes()
    encoded = [str(one).encode("utf-8", "backslashreplace") for one in tensor.values]
    return b"".join(chain.from_iterable((_LENGTH.pack(len(one)), one) for one in encoded))


def rows_of(tensor: Tensor) -> list[list[object]]:
    """Give the rows of a tensor of two dimensions as lists."""
    values = tensor.values if isinstance(tensor.values, list) else tensor.values.tolist()
    count, width = tensor.shape
    return [values[at * width : (at + 1) * width] for at in range(count)]


def shape_of_json(name: str, shape: object) -> tuple[int, ...]:
    """Read a shape; raise `InvalidInput` if it is none."""
    sizes = shape if isinstance(shape, list) else [None]
    if len(sizes) <= DIMENSIONS_MAX and all(type(size) is int and 0 <= size <= SIZE_MAX for size in sizes):
        return tuple(sizes)
    raise InvalidInput(f'the shape of input "{shortened(name)}" must be a list of sizes')


def datatype_of_json(name: str, datatype: object, *, is_binary: bool) -> str:
    """Read a datatype; raise `InvalidInput` if it is none that can be read."""
    known = [*DTYPES, BYTES] if is_binary else [one for one in (*DTYPES, BYTES) if one != BINARY_ONLY]
    if isinstance(datatype, str) and datatype in known:
        return datatype
    found = f'"{shortened(datatype)}"' if isinstance(datatype, str) else json_type_of(datatype)
    raise InvalidInput(
        f'the datatype of input "{shortened(name)}" must be one of {", ".join(known)}; it is {found}'
    )


def _fitting(tensor: Tensor) -> Tensor:
    if math.prod(tensor.shape) == len(tensor.values):
        return tensor
    needed = f"its shape {list(tensor.shape)} needs {math.prod(tensor.shape)}"
    raise InvalidInput(f'input "{shortened(tensor.name)}" has {len(tensor.values)} values, and {needed}')


def _numbers(name: str, datatype: str, flat: list[object]) -> Elements:
    types = set(map(type, flat))
    dtype = DTYPES[datatype]
    wanted = {bool} if datatype == "BOOL" else {int} if dtype.kind in "iu" else {int, float}
    odd = types - wanted - {type(None)}
    # A whole number that is written with a point, as 1.0, is one all the same.
    if odd == {float} and dtype.kind in "iu":
        flat = [int(one) if isinstance(one, float) and one.is_integer() else one for one in flat]
        odd &= set(map(type, flat))
    if odd:
        wrong = next(one for one in flat if type(one) in odd)
        raise InvalidInput(f'input "{shortened(name)}" of datatype {datatype} holds {json_type_of(wrong)}')
    too_large = InvalidInput(f'input "{shortened(name)}" holds a number that is too large for {datatype}')
    if dtype.kind == "f":
        try:
            floats: Array = np.array(flat, np.float64)
        except OverflowError:
            raise too_large from None
        return _as_floats(floats, dtype)
    given = [one for one in flat if one is not None]
    # Before NumPy 2, a number that is too large would become another one.
    if dtype.kind in "iu" and not _are_within(cast("list[int]", given), dtype):
        raise too_large
    array: Array = np.array(given, dtype)
    return flat if type(None) in types else array


def _as_floats(floats: Array, dtype: np.dtype[Any]) -> Array:
    if dtype.itemsize == floats.itemsize:
        return floats
    # As in binary, a number of 32 bits is the nearest one to what is written.
    with np.errstate(over="ignore"):
        return floats.astype(dtype)


def _are_within(numbers: list[int], dtype: np.dtype[Any]) -> bool:
    limits = np.iinfo(dtype)
    return not numbers or (min(numbers) >= limits.min and max(numbers) <= limits.max)


def _texts(name: str, flat: list[object]) -> list[object]:
    for one in flat:
        if not isinstance(one, str) and one is not None:
            raise InvalidInput(f'input "{shortened(name)}" of datatype {BYTES} holds {json_type_of(one)}')
    return flat


def _texts_of_bytes(name: str, data: memoryview) -> list[object]:
    texts: list[object] = []
    at = 0
    while at < len(data):
        start = at + _LENGTH.size
        end = start + (_LENGTH.unpack_from(data, at)[0] if start <= len(data) else len(data))
        if end > len(data):
            raise InvalidInput(f'input "{shortened(name)}" ends in the middle of a value')
        try:
            texts.append(str(data[start:end], "utf-8"))
        except UnicodeDecodeError:
            raise InvalidInput(f'input "{shortened(name)}" holds bytes that are no text in UTF-8') from None
        at = end
    return texts


def _shape_of(values: list[JsonValue]) -> tuple[tuple[int, ...], list[JsonValue] | None]:
    """Give the shape of nested lists, and their elements; None for the elements if the lists are ragged."""
    shape = [len(values)]
    flat = values
    while flat and isinstance(flat[0], list):
        size = len(flat[0])
        if not all(isinstance(part, list) and len(part) == size for part in flat):
            return (), None
        shape.append(size)
        flat = flat[0] if len(flat) == 1 else [*chain.from_iterable(cast("list[list[JsonValue]]", flat))]
    return tuple(shape), flat


def datatype_of(values: Sequence[object]) -> str:
    """Give the datatype that holds all values as they are: that of texts, if there is no other."""
    types = set(map(type, values))
    if types == {bool}:
        return "BOOL"
    if types == {int}:
        low, high = min(cast("Sequence[int]", values)), max(cast("Sequence[int]", values))
        if low >= INT64_MIN and high <= INT64_MAX:
            return "INT64"
        return "UINT64" if low >= 0 and high <= UINT64_MAX else BYTES
    return "FP64" if types <= {float, int, type(None)} and types != {type(None)} else BYTES


def _text(value: object) -> str:
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: ""}[value]
    return value.isoformat() if isinstance(value, datetime) else str(value)
