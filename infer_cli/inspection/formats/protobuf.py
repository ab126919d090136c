"""Protocol Buffers as they lie in a file, read without generated code.

The encoding is described at https://protobuf.dev/programming-guides/encoding/.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from infer_cli.inspection.files.refusal import Refused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infer_cli.inspection.files.stream import Stream

TEXT_BYTES_MAX = 64 * 1024
_VARINT, _BLOCK = 0, 2
# By wire type.
_FIXED_BYTES = {1: 8, 5: 4}
# Set in each byte of a number but the last.
_MORE = 0x80
_VARINT_BITS_MAX = 70
_NUMBERS = 1 << 64


@dataclass(frozen=True, slots=True)
class Field:
    """A field's number, and its value: a whole number, or the length of the bytes that come next."""

    number: int
    value: int
    is_block: bool


def fields_of(stream: Stream, size: int | None = None) -> Iterator[Field]:
    """Go through the fields of a message of that size, or up to the end of the stream.

    The caller may read of a block what it wants.
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


def text_of(stream: Stream, field: Field) -> str:
    """Read a block as a text."""
    return raw_of(stream, field).decode("utf-8", "replace")


def raw_of(stream: Stream, field: Field) -> bytes:
    """Read a block."""
    if not field.is_block or field.value > TEXT_BYTES_MAX:
        _refuse(stream)
    return stream.read(field.value)


def numbers_of(stream: Stream, field: Field) -> Iterator[int]:
    """Read a field of whole numbers, which are one at a time or packed."""
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
