"""What is noted of an array as its bytes pass, where compiled code would trust the numbers in it."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TypeAlias

SIZES = {"B": 1, "b": 1, "H": 2, "h": 2, "I": 4, "i": 4, "Q": 8, "q": 8}


@dataclass(frozen=True, slots=True)
class Layout:
    """The size of an element, and the offset and `struct` letter of each field that is a whole number.

    An array without fields has one field, whose name is "".
    """

    itemsize: int
    fields: tuple[tuple[str, int, str], ...]
    is_big_endian: bool = False

    @property
    def is_swapped(self) -> bool:
        """Whether this machine has the bytes of a number in the other order."""
        return self.is_big_endian != (sys.byteorder == "big")

    def pattern(self, *names: str, unsigned: str = "") -> str | None:
        """Give the pattern by which `struct` takes these fields of an element; None if it cannot.

        It takes fields in the order in which they lie. The sign of `unsigned` counts as a digit.
        """
        places = {name: (offset, letter) for name, offset, letter in self.fields}
        parts, end = [">" if self.is_big_endian else "<"], 0
        for name in names:
            offset, letter = places.get(name, (-1, ""))
            if offset < end:
                return None
            parts.append(f"{offset - end}x{letter.upper() if name == unsigned else letter}")
            end = offset + SIZES[letter]
        return "".join([*parts, f"{self.itemsize - end}x"]) if end <= self.itemsize else None


@dataclass(frozen=True, slots=True)
class IntegerNotes:
    """Of whole numbers: their bounds, the first and last, and whether none is below the one before it.

    `is_order` says that each number from 0 to one below their count occurs once.
    """

    layout: Layout
    count: int
    low: int
    high: int
    first: int
    last: int
    rises: bool
    is_order: bool


@dataclass(frozen=True, slots=True)
class ChildrenNotes:
    """Of nodes with two children: whether each but the root is the child of one node, which comes before it.

    `wrong` is the first node with a child that does not come after it, and that child.
    """

    count: int
    wrong: tuple[int, int] | None
    is_whole: bool
    depth: int


@dataclass(frozen=True, slots=True)
class TreeNotes:
    """Of the nodes of a tree; `worst` is a node and its feature: one below 0, else the largest."""

    layout: Layout
    children: ChildrenNotes
    has_lone_child: bool
    worst: tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class PredictorNotes:
    """Of the nodes of a histogram-based tree: the features, and the sets of categories that it asks for.

    `lowest`, `highest` are of the features; `with_sets` are those for which a set is asked.
    """

    layout: Layout
    children: ChildrenNotes
    lowest: int
    highest: int
    with_sets: frozenset[int]
    highest_set: int


@dataclass(frozen=True, slots=True)
class HalvesNotes:
    """Of the nodes of a tree of neighbors: how many rows it has, and whether its nodes halve them."""

    layout: Layout
    count: int
    rows: int
    is_halved: bool
    ends_in_leaves: bool


Notes: TypeAlias = IntegerNotes | TreeNotes | PredictorNotes | HalvesNotes
