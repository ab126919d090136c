"""Python's own unpickler, with limits on integers and byte arrays whose size the file only claims."""

from __future__ import annotations

import pickle
from typing import Any, Callable, ClassVar

from service.errors import Forbidden
from service.loading.calls import DIGITS_MAX, INTEGER_BYTES_MAX

READ_BYTES = 16 * 1024 * 1024

# The unpickler in Python, not the one in C: reading joblib's arrays needs its stack. It has no types.
_PythonUnpickler: Any = pickle._Unpickler  # noqa: SLF001


class BoundedUnpickler(_PythonUnpickler):  # type: ignore[misc]  # see above
    """An unpickler whose numbers and bytes take no more time and memory than the file does.

    Python converts an integer in a time that grows with the square of its digits, and fills a byte array of
    any size before it reads it.
    """

    dispatch: ClassVar[dict[int, Callable[..., None]]] = dict(_PythonUnpickler.dispatch)

    def _integer(self) -> None:
        size = int.from_bytes(self.read(4), "little", signed=True)
        if not 0 <= size <= INTEGER_BYTES_MAX:
            raise _too_long()
        self.append(pickle.decode_long(self.read(size)))

    def _integer_line(self) -> None:
        line = self.readline()[:-1]
        if len(line) > DIGITS_MAX:
            raise _too_long()
        self.append(line == b"01" if line in (b"00", b"01") else int(line))

    def _long_line(self) -> None:
        line = self.readline()[:-1]
        if len(line) > DIGITS_MAX:
            raise _too_long()
        self.append(int(line.rstrip(b"L")))

    def _byte_array(self) -> None:
        left, data = int.from_bytes(self.read(8), "little"), bytearray()
        while left:
            part = self.read(min(READ_BYTES, left))
            if not part:
                raise EOFError("an array ended before it was whole")
            data += part
            left -= len(part)
        self.append(data)

    dispatch[pickle.INT[0]] = _integer_line
    dispatch[pickle.LONG[0]] = _long_line
    dispatch[pickle.LONG4[0]] = _integer
    dispatch[pickle.BYTEARRAY8[0]] = _byte_array


def _too_long() -> Forbidden:
    return Forbidden("has an integer of more digits than any model's")
