"""The strings and byte strings of a pickle: kept where a fact may need them, else skipped."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from infer_cli.inspection.facts.boosters import HANDLES
from infer_cli.inspection.files.budget import HELD_TEXT_MAX
from infer_cli.inspection.formats.pickles import opcodes
from infer_cli.inspection.formats.pickles.array_bytes import ArrayBytes
from infer_cli.inspection.nodes.node_types import Blob

if TYPE_CHECKING:
    from collections.abc import Callable

    from infer_cli.inspection.files.stream import Stream
    from infer_cli.inspection.nodes.node_types import Node

# A string of at most 1 KiB is always kept; a longer one, up to 16 MiB, only as part of a wanted attribute.
KEPT_BYTES = 1024
WANTED_BYTES = 16 * 1024 * 1024
# The attributes whose arrays are read for facts.
WANTED = frozenset(
    {
        "_classes",
        "_transformer_to_input_indices",
        "bin_thresholds_",
        "categories_",
        "classes_",
        "estimators_features_",
        "feature_names_in_",
        "is_categorical_",
        "statistics_",
    }
)
# How many bytes are kept of a booster in the format of its own library.
STARTED_BYTES = 256 * 1024


class Strings(ArrayBytes):
    """A stack with the opcodes of strings and byte strings."""

    def _is_of(self, attributes: frozenset[str]) -> bool:
        """Say whether the next value seems to belong to one of the attributes.

        A pickler writes the value of an attribute after its name, so the name is among the last values of the
        last few levels.
        """
        nearby = [self._stack[-4:], *(level[-4:] for level in self._levels[-3:])]
        return any(isinstance(item, str) and item in attributes for items in nearby for item in items)

    def _keeps(self, length: int) -> bool:
        """Say whether to keep a value of this length, and spend its bytes if so."""
        if length > KEPT_BYTES and (length > WANTED_BYTES or not self._is_of(WANTED)):
            return False
        self._budget.take_bytes(length)
        return True

    def take(self, length: int, dtype: Node = None) -> bytes | Blob:
        """Read bytes, or skip them if no fact needs them; of a booster only the first bytes are kept.

        `dtype` is that of the array whose bytes they are, if it does not stand before them on the stack.
        """
        if self._keeps(length):
            return self.stream.read(length)
        held = self.hold(length) if dtype is None else None
        if held is not None:
            return held
        start = b""
        if self._is_of(HANDLES):
            start = self.stream.read(min(length, STARTED_BYTES))
            self._budget.take_bytes(len(start))
        noter = self.noter_of(dtype or self.dtype_before(), length)
        if noter is None:
            self.stream.skip(length - len(start))
            return Blob(length, start=start)
        noter.take(start)
        self.stream.skip(length - len(start), noter.take)
        return Blob(length, start=start, notes=noter.notes())

    def _bytes(self, length: int) -> None:
        self._stack.append(self.take(length))

    def _string(self, length: int, decode: Callable[[bytes, Stream], str]) -> None:
        dtype = self.dtype_before_text() if KEPT_BYTES < length <= HELD_TEXT_MAX else None
        if dtype is not None and (length > WANTED_BYTES or not self._is_of(WANTED)):
            self._note_text(decode(self.stream.read(length), self.stream), length, dtype)
            return
        data = self.take(length)
        string = replace(data, is_string=True) if isinstance(data, Blob) else decode(data, self.stream)
        self._stack.append(string)

    def _note_text(self, text: str, length: int, dtype: Node) -> None:
        data = text.encode("latin-1", "replace")
        noter = self.noter_of(dtype, len(data))
        if noter is not None:
            noter.take(data)
        self._stack.append(Blob(length, is_string=True, notes=noter.notes() if noter else None))

    def _string_line(self) -> None:
        is_wanted = self._is_of(WANTED)
        dtype = None if is_wanted else self.dtype_before_text()
        keep = WANTED_BYTES if is_wanted else KEPT_BYTES if dtype is None else HELD_TEXT_MAX
        line, length = self.stream.line_start(keep)
        if dtype is not None and KEPT_BYTES < length == len(line):
            self._note_text(opcodes.decode_escaped(line, self.stream), length, dtype)
            return
        if length > len(line):
            self._stack.append(Blob(length, is_string=True))
            return
        self._keeps(length)
        self._stack.append(opcodes.decode_escaped(line, self.stream))

    STRING_EFFECTS: ClassVar[dict[bytes, Callable[[Strings], None]]] = {
        b"C": lambda self: self._bytes(self.stream.byte()),
        b"B": lambda self: self._bytes(opcodes.uint4(self.stream)),
        b"\x8e": lambda self: self._bytes(opcodes.uint8(self.stream)),
        b"\x96": lambda self: self._bytes(opcodes.uint8(self.stream)),
        b"U": lambda self: self._string(self.stream.byte(), opcodes.decode_ascii),
        b"T": lambda self: self._string(opcodes.size4(self.stream), opcodes.decode_ascii),
        b"\x8c": lambda self: self._string(self.stream.byte(), opcodes.decode_utf8),
        b"X": lambda self: self._string(opcodes.uint4(self.stream), opcodes.decode_utf8),
        b"\x8d": lambda self: self._string(opcodes.uint8(self.stream), opcodes.decode_utf8),
        b"V": _string_line,
    }
