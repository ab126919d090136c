"""The arguments of the opcodes of pickle protocols 0 to 5, as CPython's `Lib/pickletools.py` documents them.

`pickletools.genops` is no alternative: it reads every argument into memory, and the node arrays of a forest
are too large for that. Every function raises `Refused` for an argument that no pickler writes.
"""

from __future__ import annotations

import codecs
import re
import struct
from typing import TYPE_CHECKING

from infer_cli.inspection.files.refusal import DAMAGED, Refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from infer_cli.inspection.files.stream import Stream

# Python itself converts no integer of more than 4,300 digits (`sys.get_int_max_str_digits`).
DIGITS_MAX = 4000
NUMBER_BYTES_MAX = 1024
_INTEGER = re.compile(rb"[+-]?(0|[1-9][0-9]*)")
# A string as the repr() of Python 2 wrote it: in quotes, with escapes.
_QUOTED = re.compile(
    rb"""(?P<quote>['"])(?P<string>(?:[^\\]|\\(?:[\\'"abfnrtv]|x[0-9a-fA-F]{2}|[0-3][0-7]{2}))*)(?P=quote)""",
    re.DOTALL,
)
_INT4 = struct.Struct("<i")
_UINT4 = struct.Struct("<I")
_UINT8 = struct.Struct("<Q")
_FLOAT8 = struct.Struct(">d")


def uint2(stream: Stream) -> int:
    """Read an unsigned integer of two bytes."""
    return int.from_bytes(stream.read(2), "little")


def uint4(stream: Stream) -> int:
    """Read an unsigned integer of four bytes."""
    number: int = _UINT4.unpack(stream.read(4))[0]
    return number


def uint8(stream: Stream) -> int:
    """Read an unsigned integer of eight bytes."""
    number: int = _UINT8.unpack(stream.read(8))[0]
    return number


def size4(stream: Stream) -> int:
    """Read a length: a signed integer of four bytes that must not be negative."""
    size = int4(stream)
    if size < 0:
        reason = f"has a negative length at byte {stream.position - 4}"
        raise Refused(reason, hint=DAMAGED)
    return size


def int4(stream: Stream) -> int:
    """Read a signed integer of four bytes."""
    number: int = _INT4.unpack(stream.read(4))[0]
    return number


def index_line(stream: Stream) -> int:
    """Read a line that holds an index of the memo."""
    index = decimal_line(stream)
    if index < 0:
        reason = f"has a negative memo index before byte {stream.position}"
        raise Refused(reason, hint=DAMAGED)
    return index


def decimal_line(stream: Stream) -> int:
    """Read a line that holds an integer, written as Python writes it."""
    line = stream.line()
    if len(line) > DIGITS_MAX or not _INTEGER.fullmatch(line):
        reason = f"has {_excerpt(line)} before byte {stream.position}, where an integer belongs"
        raise Refused(reason, hint=DAMAGED)
    return int(line)


def int_line(stream: Stream) -> int | bool:
    """Read a line that holds an integer, or 00 or 01 for a boolean."""
    start = stream.position
    line, length = stream.line_start(DIGITS_MAX + 1)
    if line in {b"00", b"01"}:
        return line == b"01"
    if length > DIGITS_MAX or not _INTEGER.fullmatch(line):
        reason = f"has {_excerpt(line)} at byte {start}, where an integer belongs"
        raise Refused(reason, hint=DAMAGED)
    return int(line)


def long_line(stream: Stream) -> int:
    """Read a line that holds an integer and an L, as Python 2 writes a long."""
    line = stream.line()
    digits = line.removesuffix(b"L")
    if len(digits) > DIGITS_MAX or not _INTEGER.fullmatch(digits):
        reason = f"has {_excerpt(line)} before byte {stream.position}, where an integer belongs"
        raise Refused(reason, hint=DAMAGED)
    return int(digits)


def long1(stream: Stream) -> int:
    """Read a signed integer whose length, up to 255 bytes, comes first."""
    return int.from_bytes(stream.read(stream.byte()), "little", signed=True)


def long4(stream: Stream) -> int:
    """Read a signed integer whose length, up to `NUMBER_BYTES_MAX` bytes, comes first."""
    size = size4(stream)
    if size > NUMBER_BYTES_MAX:
        reason = f"has an integer of {size} bytes at byte {stream.position}"
        raise Refused(reason, hint=DAMAGED)
    return int.from_bytes(stream.read(size), "little", signed=True)


def float_line(stream: Stream) -> float:
    """Read a line that holds a float."""
    line = stream.line()
    try:
        return float(line)
    except ValueError as error:
        reason = f"has {_excerpt(line)} before byte {stream.position}, where a number belongs"
        raise Refused(reason, hint=DAMAGED) from error


def float8(stream: Stream) -> float:
    """Read a float of eight bytes, in big-endian order."""
    number: float = _FLOAT8.unpack(stream.read(8))[0]
    return number


def quoted_line(stream: Stream) -> str:
    """Read a line that holds a string in quotes, as Python 2 wrote it."""
    line = stream.line()
    match = _QUOTED.fullmatch(line)
    if match is None:
        reason = f"has {_excerpt(line)} before byte {stream.position}, where a string in quotes belongs"
        raise Refused(reason, hint=DAMAGED)
    return decode_ascii(codecs.escape_decode(match["string"])[0], stream)


def decode_ascii(data: bytes, stream: Stream) -> str:
    """Decode a string that Python 2 wrote: ASCII alone, as Python 3 decodes it by default."""
    try:
        return data.decode("ascii")
    except UnicodeDecodeError as error:
        reason = f"was saved by Python 2: Python 3 cannot load the byte string before byte {stream.position}"
        raise Refused(
            reason, hint="Train the model again with Python 3, or save it again from there."
        ) from error


def decode_utf8(data: bytes, stream: Stream) -> str:
    """Decode a string that Python 3 wrote: UTF-8, in which surrogates may stand alone."""
    try:
        return data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError as error:
        reason = f"is damaged: a string before byte {stream.position} is not UTF-8"
        raise Refused(reason, hint=DAMAGED) from error


def decode_escaped(data: bytes, stream: Stream) -> str:
    """Decode a string that protocol 0 wrote: Latin-1, in which escapes stand for other characters."""
    try:
        return data.decode("raw-unicode-escape")
    except UnicodeDecodeError as error:
        reason = f"is damaged: a string before byte {stream.position} has a broken escape"
        raise Refused(reason, hint=DAMAGED) from error


def name_line(stream: Stream) -> str:
    """Read a line that holds the name of a module, or a name in a module."""
    line = stream.line()
    try:
        name = line.decode("utf-8")
    except UnicodeDecodeError:
        name = ""
    if not name:
        reason = f"has {_excerpt(line)} before byte {stream.position}, where a name belongs"
        raise Refused(reason, hint=DAMAGED)
    return name


def _excerpt(line: bytes) -> str:
    shown = line[:40].decode("ascii", "backslashreplace")
    return repr(shown if len(line) <= len(shown) else shown + "…")


# The opcodes that do nothing but push a value.
VALUES: dict[bytes, Callable[[Stream], bool | int | float | str | tuple[()] | None]] = {
    b"N": lambda _: None,
    b"\x88": lambda _: True,
    b"\x89": lambda _: False,
    b"I": int_line,
    b"J": int4,
    b"K": lambda stream: stream.byte(),
    b"M": uint2,
    b"L": long_line,
    b"\x8a": long1,
    b"\x8b": long4,
    b"F": float_line,
    b"G": float8,
    b"S": quoted_line,
    b")": lambda _: (),
}
