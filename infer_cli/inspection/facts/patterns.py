"""Whether a regular expression is compiled in no time, and matched in a time that a text can be waited for.

The service asks the same of a pattern that it has loaded: `service/loading/patterns.py`.
"""

from __future__ import annotations

import importlib
import re
from typing import Any

from infer_cli.inspection.facts.backtracking import backtracks

PATTERN_MAX = 10_000
# How many characters the ranges of a pattern may name. Where case does not matter, Python tries each of them.
RANGES_MAX = 2 * 0x110000
# The parser has no types.
_parser: Any = importlib.import_module("re._parser")


def is_quick(pattern: str) -> bool:
    """Tell whether a pattern is compiled in no time, and matched in one that a text can be waited for."""
    if len(pattern) > PATTERN_MAX:
        return False
    try:
        tree = _parser.parse(pattern)
    except (re.error, RecursionError, OverflowError, ValueError):
        return False
    left, waiting = RANGES_MAX, [tree]
    while waiting and left >= 0:
        part = waiting.pop()
        if isinstance(part, tuple) and len(part) == 2 and part[0] is _parser.RANGE:  # noqa: PLR2004 (a pair)
            left -= part[1][1] - part[1][0]
        elif isinstance(part, tuple | list | _parser.SubPattern):
            waiting += list(part)
    return left >= 0 and not backtracks(tree)
