"""Whether a regular expression is compiled in no time, and matched in a time that a text can be waited for.

The twin `infer_cli/inspection/facts/patterns.py` says the same on the host.
"""

from __future__ import annotations

import importlib
import re
import sys
from typing import Any

from service.loading.backtracking import backtracks

PATTERN_MAX = 10_000
# How many characters the ranges of a pattern may name. Where case does not matter, Python tries each of them.
RANGES_MAX = 2 * 0x110000
# Before Python 3.11, the parser was a module of its own. It has no types.
_parser: Any = importlib.import_module("re._parser" if sys.version_info >= (3, 11) else "sre_parse")


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
        elif isinstance(part, (tuple, list, _parser.SubPattern)):
            waiting += list(part)
    return left >= 0 and not backtracks(tree)
