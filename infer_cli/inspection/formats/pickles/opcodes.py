"""The opcodes of pickle protocols 0 to 5, and how their arguments are written.

After CPython's `Lib/pickletools.py`, which documents each of them. Python's own opcode walker,
`pickletools.genops`, reads every argument into memory; a forest's node arrays are far too big for that.
"""

from __future__ import annotations

import codecs
import re
import struct
from typing import TYPE_CHECKING

from infer_cli.inspection.files.refusal import Refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from infer_cli.inspection.files.stream import Stream

# Beyond this, Python itself refuses to print a whole number.
DIGITS_MAX = 4000
NUMBER_BYTES_MAX = 1024
_WHOLE_NUMBER = re.compile(rb"[+-]?(0|[1-9][0-9]*)")
# A text as Python 2 wrote it: in quotes, with the escapes of its repr().
_QUOTED = re.compile(
    rb"""(?P<quote>['"])(?P<text>(?:[^\\]|\\(?:[\\'"abfnrtv]|x[0-9a-fA-F]{2}|[0-3][0-7]{2}))*)(?P=quote)""",
    re.DOTALL,
)
_INT4 = struct.Struct("<i")
_UINT4 = struct.Struct("<I")
_UINT8 = struct.Struct("<Q")
_FLOAT8 = struct.Struct(">d")


def uint2(stream: Stream) -> int:
    """Read an unsigned number of two bytes."""
    return int.from_bytes(stream.read(2), "little")


def uint4(stream: Stream) -> int:
    """Read an unsigned number of four bytes."""
    number: int = _UINT4.unpack(stream.read(4))[0]
    return number


def uint8(stream: Stream) -> int:
    """Read an unsigned number of eight bytes."""
    number: int = _UINT8.unpack(stream.read(8))[0]
    return number


def size4(stream: Stream) -> int:
    """Read a signed number of four bytes that must be a length."""
    size = int4(stream)
    if size < 0:
        reason = f"has a negative length at byte {stream.position - 4}"
        raise Refused(reason)
    return size


def int4(stream: Stream) -> int:
    """Read a signed number of four bytes."""
    number: int = _INT4.unpack(stream.read(4))[0]
    return number


def index_line(stream: Stream) -> int:
    """Read a line that holds an index of the memo."""
    index = whole_line(stream)
    if index < 0:
        reason = f"has a negative memo index before byte {stream.position}"
        raise Refused(reason)
    return index


def whole_line(stream: Stream) -> int:
    """Read a line that holds a whole number, written as Python writes it."""
    line = stream.line()
    if len(line) > DIGITS_MAX or not _WHOLE_NUMBER.fullmatch(line):
        reason = f"has {_excerpt(line)} before byte {stream.position}, where a whole number belongs"
        raise Refused(reason)
    return int(line)


def int_line(stream: Stream) -> int | bool:
    """Read a line that holds a whole number, or 00 or 01 for a truth value."""
    start = stream.position
    line, length = stream.line_start(DIGITS_MAX + 1)
    if line in {b"00", b"01"}:
        return line == b"01"
    if length > DIGITS_MAX or not _WHOLE_NUMBER.fullmatch(line):
        reason = f"has {_excerpt(line)} at byte {start}, where a whole number belongs"
        raise Refused(reason)
    return int(line)


def long_line(stream: Stream) -> int:
    """Read a line that holds a whole number with an L behind it."""
    line = stream.line()
    digits = line.removesuffix(b"L")
    if len(digits) > DIGITS_MAX or not _WHOLE_NUMBER.fullmatch(digits):
        reason = f"has {_excerpt(line)} before byte {stream.position}, where a whole number belongs"
        raise Refused(reason)
    return int(digits)


def long1(stream: Stream) -> int:
    """Read a whole number of up to 255 bytes."""
    return int.from_bytes(stream.read(stream.byte()), "little", signed=True)


def long4(stream: Stream) -> int:
    """Read a whole number of any number of bytes, within reason."""
    size = size4(stream)
    if size > NUMBER_BYTES_MAX:
        reason = f"has a whole number of {size} bytes at byte {stream.position}"
        raise Refused(reason)
    return int.from_bytes(stream.read(size), "little", signed=True)


def float_line(stream: Stream) -> float:
    """Read a line that holds a number with a point."""
    line = stream.line()
    try:
        return float(line)
    except ValueError as error:
        reason = f"has {_excerpt(line)} before byte {stream.position}, where a number belongs"
        raise Refused(reason) from error


def float8(stream: Stream) -> float:
    """Read a number of eight bytes, the first the most significant."""
    number: float = _FLOAT8.unpack(stream.read(8))[0]
    return number


def quoted_line(stream: Stream) -> str:
    """Read a line that holds a text as Python 2 wrote it."""
    line = stream.line()
    match = _QUOTED.fullmatch(line)
    if match is None:
        reason = f"has {_excerpt(line)} before byte {stream.position}, where a text in quotes belongs"
        raise Refused(reason)
    return ascii_text(codecs.escape_decode(match["text"])[0], stream)


def ascii_text(data: bytes, stream: Stream) -> str:
    """Decode a text that Python 2 wrote."""
    try:
        return data.decode("ascii")
    except UnicodeDecodeError as error:
        reason = f"was saved by Python 2: Python 3 cannot load the byte string before byte {stream.position}"
        raise Refused(
            reason, hint="Train the model again with Python 3, or save it again from there."
        ) from error


def utf8_text(data: bytes, stream: Stream) -> str:
    """Decode a text that Python 3 wrote."""
    try:
        return data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError as error:
        reason = f"is damaged: a text before byte {stream.position} is not UTF-8"
        raise Refused(reason) from error


def escaped_text(data: bytes, stream: Stream) -> str:
    """Decode a text that protocol 0 wrote."""
    try:
        return data.decode("raw-unicode-escape")
    except UnicodeDecodeError as error:
        reason = f"is damaged: a text before byte {stream.position} has a broken escape"
        raise Refused(reason) from error


def name_line(stream: Stream) -> str:
    """Read a line that holds the name of a module, or of something in one."""
    return utf8_name(stream.line(), stream)


def utf8_name(line: bytes, stream: Stream) -> str:
    """Decode a name, which may not be empty."""
    try:
        name = line.decode("utf-8")
    except UnicodeDecodeError:
        name = ""
    if not name:
        reason = f"has {_excerpt(line)} before byte {stream.position}, where a name belongs"
        raise Refused(reason)
    return name


def _excerpt(line: bytes) -> str:
    shown = line[:40].decode("ascii", "backslashreplace")
    return repr(shown if len(line) <= len(shown) else shown + "…")


# The opcodes that do no more than put a value on the stack.
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
