"""Texts and byte strings of a pickle: read where they may be asked for, else passed over."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from infer_cli.inspection.facts.boosters import HANDLES
from infer_cli.inspection.formats.pickles import opcodes
from infer_cli.inspection.formats.pickles.stack import Stack
from infer_cli.inspection.nodes.node_types import Blob

if TYPE_CHECKING:
    from collections.abc import Callable

    from infer_cli.inspection.files.stream import Stream

# Up to this length texts and byte strings are always kept; beyond it only where they may be asked for.
KEPT_BYTES = 1024
WANTED_BYTES = 16 * 1024 * 1024
# The attributes whose arrays are looked at.
WANTED = frozenset(
    {
        "_classes",
        "_transformer_to_input_indices",
        "categories_",
        "classes_",
        "estimators_features_",
        "feature_names_in_",
        "statistics_",
    }
)
# How much is looked at of a model in the format of its own library.
STARTED_BYTES = 64 * 1024


class Strings(Stack):
    """A stack that also takes texts and byte strings."""

    def _is_of(self, attributes: frozenset[str]) -> bool:
        # The array of an attribute is written after the attribute's name, at most a few levels deep.
        nearby = [self._stack[-4:], *(level[-4:] for level in self._levels[-3:])]
        return any(isinstance(item, str) and item in attributes for items in nearby for item in items)

    def _keeps(self, length: int) -> bool:
        if length > KEPT_BYTES and (length > WANTED_BYTES or not self._is_of(WANTED)):
            return False
        self._budget.take_text(length)
        return True

    def take(self, length: int) -> bytes | Blob:
        """Read bytes, or pass over them if nobody will ask for them."""
        if self._keeps(length):
            return self.stream.read(length)
        start = b""
        if self._is_of(HANDLES):
            start = self.stream.read(min(length, STARTED_BYTES))
            self._budget.take_text(len(start))
        self.stream.skip(length - len(start))
        return Blob(length, start=start)

    def _bytes(self, length: int) -> None:
        self._stack.append(self.take(length))

    def _text(self, length: int, decode: Callable[[bytes, Stream], str]) -> None:
        data = self.take(length)
        text = replace(data, is_text=True) if isinstance(data, Blob) else decode(data, self.stream)
        self._stack.append(text)

    def _text_line(self) -> None:
        keep = WANTED_BYTES if self._is_of(WANTED) else KEPT_BYTES
        line, length = self.stream.line_start(keep)
        if length > len(line):
            self._stack.append(Blob(length, is_text=True))
            return
        self._keeps(length)
        self._stack.append(opcodes.escaped_text(line, self.stream))

    STRING_EFFECTS: ClassVar[dict[bytes, Callable[[Strings], None]]] = {
        b"C": lambda self: self._bytes(self.stream.byte()),
        b"B": lambda self: self._bytes(opcodes.uint4(self.stream)),
        b"\x8e": lambda self: self._bytes(opcodes.uint8(self.stream)),
        b"\x96": lambda self: self._bytes(opcodes.uint8(self.stream)),
        b"U": lambda self: self._text(self.stream.byte(), opcodes.ascii_text),
        b"T": lambda self: self._text(opcodes.size4(self.stream), opcodes.ascii_text),
        b"\x8c": lambda self: self._text(self.stream.byte(), opcodes.utf8_text),
        b"X": lambda self: self._text(opcodes.uint4(self.stream), opcodes.utf8_text),
        b"\x8d": lambda self: self._text(opcodes.uint8(self.stream), opcodes.utf8_text),
        b"V": _text_line,
    }
