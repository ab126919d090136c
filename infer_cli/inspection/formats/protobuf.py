"""Protocol Buffers, read from a file without generated code.

The encoding is that of https://protobuf.dev/programming-guides/encoding/. Every function raises `Refused`
where the bytes do not follow it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from infer_cli.inspection.files.refusal import Refused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infer_cli.inspection.files.stream import Stream

STRING_BYTES_MAX = 64 * 1024
_VARINT, _BLOCK = 0, 2
# The bytes of a value of fixed size, by wire type.
_FIXED_BYTES = {1: 8, 5: 4}
# This bit is set in each byte of a varint but the last.
_MORE = 0x80
# A varint has at most ten bytes of seven bits; an integer is its lowest 64 bits.
_VARINT_BITS_MAX = 70
_NUMBERS = 1 << 64


@dataclass(frozen=True, slots=True)
class Field:
    """The number of a field, and its value: an integer; if `is_block`, the length of the bytes after it."""

    number: int
    value: int
    is_block: bool


def fields_of(stream: Stream, size: int | None = None) -> Iterator[Field]:
    """Go through the fields of a message of `size` bytes, or up to the end of the stream without a size.

    The caller may read the bytes of a block, or some of them; the rest is skipped.
    """
    end = None if size is None else stream.position + size
    while not stream.is_at_end() if end is None else stream.position < end:
        number, wire_type = divmod(_varint(stream), 8)
        if wire_type == _VARINT:
            yield Field(number, _varint(stream), is_block=False)
            continue
        if wire_type != _BLOCK and wire_type not in _FIXED_BYTES:
            _refuse(stream)
        length = _FIXED_BYTES.get(wire_type) or _varint(stream)
        block_end = stream.position + length
        if end is not None and block_end > end:
            _refuse(stream)
        yield Field(number, length, is_block=True)
        if stream.position > block_end:
            _refuse(stream)
        stream.skip(block_end - stream.position)


def string_of(stream: Stream, field: Field) -> str:
    """Read a block of at most `STRING_BYTES_MAX` as a string."""
    return raw_of(stream, field).decode("utf-8", "replace")


def raw_of(stream: Stream, field: Field) -> bytes:
    """Read a block of at most `STRING_BYTES_MAX`."""
    if not field.is_block or field.value > STRING_BYTES_MAX:
        _refuse(stream)
    return stream.read(field.value)


def numbers_of(stream: Stream, field: Field) -> Iterator[int]:
    """Give the integers of a field: one, or all those of a packed block."""
    if not field.is_block:
        yield _signed(field.value)
        return
    end = stream.position + field.value
    while stream.position < end:
        yield _signed(_varint(stream))


def _signed(number: int) -> int:
    return number - _NUMBERS if number >= _NUMBERS // 2 else number


def _varint(stream: Stream) -> int:
    value = shift = 0
    while (byte := stream.byte()) >= _MORE:
        value |= (byte - _MORE) << shift
        shift += 7
        if shift == _VARINT_BITS_MAX:
            _refuse(stream)
    return (value | byte << shift) % _NUMBERS


def _refuse(stream: Stream) -> NoReturn:
    reason = f"is neither a pickle nor an ONNX model, or is damaged before byte {stream.position}"
    raise Refused(reason, hint="Save the model with joblib.dump(model, path).")
