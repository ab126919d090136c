"""Arrays in NumPy's own format, as a request sends them.

NumPy's reader takes the memory that the header asks for before it looks for the values, and a header of a
hundred bytes may ask for any number of values that take no byte. So the header is compared with the body.
"""

from __future__ import annotations

import io
import math
from typing import IO, TYPE_CHECKING, Any, Callable

import numpy as np

from service.errors import InvalidInput

if TYPE_CHECKING:
    Array = np.ndarray[Any, np.dtype[Any]]
    # Gives the shape, whether the order is Fortran's, and the dtype.
    ReadHeader = Callable[[IO[bytes]], "tuple[tuple[int, ...], bool, np.dtype[np.generic]]"]

# How the header is read, by the version of the format; the third version is for names of fields.
HEADERS: dict[tuple[int, int], ReadHeader] = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}
# How many bytes tell the length of the header, and the longest header that is read.
LENGTH_BYTES = {(1, 0): 2, (2, 0): 4}
HEADER_BYTES_MAX = 10_000
# Python has no number that is longer than a float of 64 bits.
FLOAT_BYTES_MAX = 8
CODE_POINT_MAX = 0x10FFFF


def read_npy(body: bytes) -> Array:
    """Read an array of numbers or texts; raise `InvalidInput` for anything else.

    An array of objects, which would be a pickle, is refused.
    """
    stream = io.BytesIO(body)
    try:
        shape, is_fortran, dtype = _header(body, stream)
    except Exception:  # noqa: BLE001 (a damaged header raises one of many errors)
        # NumPy's own words for them are not for a client: some have addresses in the memory of the service.
        raise InvalidInput("The body is no array in NumPy's format: its header cannot be read") from None
    if dtype.kind not in "fiubU" or (dtype.kind == "f" and dtype.itemsize > FLOAT_BYTES_MAX):
        raise InvalidInput(f"The array must hold numbers or texts; its dtype is {dtype}")
    needed, found = math.prod(shape) * dtype.itemsize, len(body) - stream.tell()
    if not dtype.itemsize or min(shape, default=0) < 0 or needed != found:
        sizes = f"its header tells of {needed} bytes of values, and there are {found}"
        raise InvalidInput(f"The body is no array in NumPy's format: {sizes}")
    if not needed:
        return np.empty(shape, dtype)
    flat = np.frombuffer(body, dtype, offset=stream.tell())
    if dtype.kind == "U":
        points = np.frombuffer(body, np.dtype("u4").newbyteorder(dtype.byteorder), offset=stream.tell())
        if points.max() > CODE_POINT_MAX:
            raise InvalidInput("The body is no array in NumPy's format: it has bytes that are no text")
    if dtype.kind == "b":
        # Any other byte than 0 and 1 would be a boolean that is neither True nor False.
        flat = flat.view(np.uint8) != 0
    return flat.reshape(shape, order="F" if is_fortran else "C")


def _header(body: bytes, stream: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[np.generic]]:
    version = np.lib.format.read_magic(stream)
    length = body[stream.tell() : stream.tell() + LENGTH_BYTES[version]]
    if int.from_bytes(length, "little") > HEADER_BYTES_MAX:
        raise ValueError("the header is too long")
    return HEADERS[version](stream)
