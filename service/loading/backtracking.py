"""Whether a regular expression can take for ever with a short text, because it can match it in many ways.

Python's `re` tries each way in turn before it gives up. The positions of the characters in a pattern, and
which position may follow which, are the automaton of Glushkov. If it can come from a position to itself in
two ways with the same text, the number of ways doubles with each turn (Weideman et al., "Analyzing Matching
Time Behavior of Backtracking Regular Expression Matchers by Using Ambiguity of NFA", 2016).
The twin `infer_cli/inspection/facts/backtracking.py` says the same on the host.
"""

from __future__ import annotations

import importlib
import re
import sys
from collections import Counter
from typing import Any

# Loops of more characters than this are not looked through, but refused.
LOOP_MAX = 120
# How many loops in a row may match the same text: each multiplies the time by the length of the text.
CHAIN_MAX = 3
# Repetitions up to this number are copied, and all others are loops.
COPIES_MAX = 4
POSITIONS_MAX = 5000
_SAMPLES = frozenset(map(chr, range(128))) | frozenset("éß中٣\u200b\xa0😀")
# Before Python 3.11, the parser was a module of its own. It has no types.
_parser: Any = importlib.import_module("re._parser" if sys.version_info >= (3, 11) else "sre_parse")
_CLASSES = {
    "CATEGORY_DIGIT": r"\d",
    "CATEGORY_NOT_DIGIT": r"\D",
    "CATEGORY_SPACE": r"\s",
    "CATEGORY_NOT_SPACE": r"\S",
    "CATEGORY_WORD": r"\w",
    "CATEGORY_NOT_WORD": r"\W",
}


def backtracks(tree: Any) -> bool:  # noqa: ANN401 (the parser has no types)
    """Tell whether a parsed pattern can match a text in more ways than can be tried."""
    try:
        automaton = _Automaton(tree)
    except (_NotKnown, RecursionError):
        return True
    return automaton.is_exponential() or automaton.chain() > CHAIN_MAX


class _NotKnown(Exception):
    """The pattern has a part whose ways are not counted, such as a reference to a group."""


class _Part:
    """Of a part of a pattern: the positions that it may begin and end with, and whether it may be empty."""

    def __init__(self, first: list[int], last: list[int], *, is_empty: bool) -> None:
        self.first, self.last, self.is_empty = first, last, is_empty


class _Automaton:
    def __init__(self, tree: Any) -> None:  # noqa: ANN401 (see above)
        literals = {chr(number) for number in _numbers(tree) if number <= sys.maxunicode}
        self.alphabet = sorted(_SAMPLES | {one for char in literals for one in (char, char.swapcase()[:1])})
        self.ignores_case = bool(tree.state.flags & re.IGNORECASE)
        self.characters: list[frozenset[str]] = []
        # How often a position may follow another one: more than once if there are several ways to it.
        self.follow: list[Counter[int]] = []
        self._known: dict[tuple[str, str], frozenset[str]] = {}
        self._sequence(tree)
        self.loops = _loops({at: set(after) for at, after in enumerate(self.follow)})

    def _position(self, characters: frozenset[str]) -> _Part:
        if len(self.characters) >= POSITIONS_MAX:
            raise _NotKnown
        self.characters.append(characters)
        self.follow.append(Counter())
        at = [len(self.characters) - 1]
        return _Part(at, at, is_empty=False)

    def _sequence(self, items: Any) -> _Part:  # noqa: ANN401 (see above)
        whole = _Part([], [], is_empty=True)
        for item in items:
            whole = self._after(whole, self._item(*item))
        return whole

    def _after(self, one: _Part, other: _Part) -> _Part:
        self._link(one.last, other.first)
        first = one.first + other.first if one.is_empty else one.first
        last = one.last + other.last if other.is_empty else other.last
        return _Part(first, last, is_empty=one.is_empty and other.is_empty)

    def _link(self, ends: list[int], starts: list[int]) -> None:
        for end in ends:
            self.follow[end].update(starts)

    def _item(self, operation: Any, value: Any) -> _Part:  # noqa: ANN401 (see above)
        name = str(operation)
        if name in ("LITERAL", "NOT_LITERAL", "ANY", "IN"):
            key = name, str(value)
            if key not in self._known:
                self._known[key] = self._matched(name, value)
            return self._position(self._known[key])
        if name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
            return self._repeated(*value)
        if name == "BRANCH":
            parts = [self._sequence(part) for part in value[1]]
            first, last = [at for one in parts for at in one.first], [at for one in parts for at in one.last]
            return _Part(first, last, is_empty=any(one.is_empty for one in parts))
        if name == "SUBPATTERN":
            return self._sequence(value[3])
        if name == "ATOMIC_GROUP":
            return self._sequence(value)
        if name in ("ASSERT", "ASSERT_NOT"):
            # What it matches lies in positions of its own.
            self._sequence(value[1])
        elif name != "AT":
            raise _NotKnown
        return _Part([], [], is_empty=True)

    def _repeated(self, least: int, most: int, items: Any) -> _Part:  # noqa: ANN401 (see above)
        if most <= COPIES_MAX:
            whole = _Part([], [], is_empty=True)
            for at in range(most):
                copy = self._sequence(items)
                whole = self._after(
                    whole, _Part(copy.first, copy.last, is_empty=copy.is_empty or at >= least)
                )
            return whole
        part = self._sequence(items)
        if part.is_empty and most < int(_parser.MAXREPEAT):
            # Each of the repetitions may be empty or not: the number of ways doubles with each.
            raise _NotKnown
        self._link(part.last, part.first)
        return _Part(part.first, part.last, is_empty=part.is_empty or least == 0)

    def _matched(self, name: str, value: Any) -> frozenset[str]:  # noqa: ANN401 (see above)
        if name == "ANY":
            return frozenset(self.alphabet)
        items = value if name == "IN" else [(_parser.LITERAL, value)]
        found = frozenset(one for one in self.alphabet if any(self._has(item, one) for item in items))
        is_negated = name == "NOT_LITERAL" or (name == "IN" and str(value[0][0]) == "NEGATE")
        return frozenset(self.alphabet) - found if is_negated else found

    def _has(self, item: Any, character: str) -> bool:  # noqa: ANN401 (see above)
        name, value = str(item[0]), item[1]
        if name == "CATEGORY":
            return re.fullmatch(_CLASSES[str(value)], character) is not None
        cases = {character, character.swapcase()[:1]} if self.ignores_case else {character}
        low, high = value if name == "RANGE" else (value, value)
        return name != "NEGATE" and any(low <= ord(one) <= high for one in cases)

    def is_exponential(self) -> bool:
        """Tell whether some loop can be gone through in two ways with the same text."""
        for loop in self.loops:
            if any(self.follow[at][after] > 1 for at in loop for after in loop):
                return True
            if len(loop) > LOOP_MAX or self._splits(loop):
                return True
        return False

    def _splits(self, loop: set[int]) -> bool:
        """Tell whether two ways through a loop part, and meet again, while they match the same text."""
        pairs: dict[tuple[int, int], set[tuple[int, int]]] = {}
        waiting = [(at, at) for at in loop]
        while waiting:
            one, other = pair = waiting.pop()
            if pair in pairs:
                continue
            pairs[pair] = {
                (after, beside)
                for after in self.follow[one]
                for beside in self.follow[other]
                if {after, beside} <= loop and not self.characters[after].isdisjoint(self.characters[beside])
            }
            waiting += pairs[pair]
        return any(
            any(one == other for one, other in found) and any(one != other for one, other in found)
            for found in _loops(pairs)
        )

    def chain(self) -> int:
        """Count the loops that can follow each other with the same character in all of them."""
        if len(self.loops) <= CHAIN_MAX:
            return len(self.loops)
        longest = 0
        groups = {
            frozenset(at for at, one in enumerate(self.characters) if character in one)
            for character in self.alphabet
        }
        for having in groups:
            graph = {at: {after for after in self.follow[at] if after in having} for at in having}
            loops = {at: number for number, loop in enumerate(_loops(graph)) for at in loop}
            longest = max(longest, _longest(graph, loops))
        return longest


def _numbers(tree: Any) -> set[int]:  # noqa: ANN401 (see above)
    """Give the numbers of the characters that a parsed pattern names."""
    found: set[int] = set()
    waiting = [tree]
    while waiting:
        part = waiting.pop()
        if isinstance(part, tuple) and len(part) == 2 and str(part[0]) in ("LITERAL", "NOT_LITERAL", "RANGE"):  # noqa: PLR2004 (a pair)
            found.update(part[1] if isinstance(part[1], tuple) else (part[1],))
        elif isinstance(part, (tuple, list, _parser.SubPattern)):
            waiting += list(part)
    return found


def _loops(graph: dict[Any, set[Any]]) -> list[set[Any]]:
    """Give the strongly connected components with a cycle, the later ones first, by Tarjan's algorithm."""
    numbers: dict[Any, int] = {}
    lowest: dict[Any, int] = {}
    path: list[Any] = []
    on_path: set[Any] = set()
    found: list[set[Any]] = []
    for root, after_root in graph.items():
        if root in numbers:
            continue
        work = [(root, iter(after_root))]
        numbers[root] = lowest[root] = len(numbers)
        path.append(root)
        on_path.add(root)
        while work:
            node, after = work[-1]
            for one in after:
                if one not in numbers:
                    numbers[one] = lowest[one] = len(numbers)
                    path.append(one)
                    on_path.add(one)
                    work.append((one, iter(graph[one])))
                    break
                if one in on_path:
                    lowest[node] = min(lowest[node], numbers[one])
            else:
                work.pop()
                if work:
                    lowest[work[-1][0]] = min(lowest[work[-1][0]], lowest[node])
                if lowest[node] == numbers[node]:
                    at = path.index(node)
                    component = set(path[at:])
                    del path[at:]
                    on_path -= component
                    if len(component) > 1 or node in graph[node]:
                        found.append(component)
    return found


def _longest(graph: dict[int, set[int]], loops: dict[int, int]) -> int:
    """Give the largest number of loops on one way through a graph."""
    best: dict[int, int] = {}
    # Loops are numbered from the last one, and positions outside of loops form no cycle.
    for start in list(graph):
        waiting = [start]
        while waiting:
            node = waiting[-1]
            inside = {one for one, number in loops.items() if number == loops.get(node)} or {node}
            after = {one for member in inside for one in graph[member]} - inside
            missing = [one for one in after if one not in best]
            if missing and node not in best:
                waiting += missing
                continue
            waiting.pop()
            count = max((best[one] for one in after), default=0) + (node in loops)
            best.update(dict.fromkeys(inside, count))
    return max(best.values(), default=0)
