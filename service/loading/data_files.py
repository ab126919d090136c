"""Keeps XGBoost and LightGBM from opening a file in the place of rows.

Both take the name of a file where they take rows, and open it: XGBoost's text may also name a cache that it
writes. A transformer before the booster can make such a text, of the model file or of what the client sends.
"""

from __future__ import annotations

import sys
from os import PathLike
from typing import Any, Callable

# Module, class and name of the functions that a name of a file reaches, with the position of the rows.
READERS = (("xgboost.data", "", "_from_uri", 0), ("lightgbm.basic", "_InnerPredictor", "predict", 1))


def refuse_data_files() -> None:
    """Let no library that was imported read rows from a file; one that is absent needs nothing."""
    for module, cls, name, position in READERS:
        holder: Any = sys.modules.get(module)
        if holder is not None and cls:
            holder = getattr(holder, cls, None)
        reader = getattr(holder, name, None)
        if reader is not None and not hasattr(reader, "reads_no_files"):
            setattr(holder, name, _without_files(reader, position))


def _without_files(reader: Callable[..., object], position: int) -> Callable[..., object]:
    def read(*arguments: object, **keywords: object) -> object:
        data = arguments[position] if len(arguments) > position else keywords.get("data")
        if isinstance(data, (str, PathLike)):
            raise TypeError("the booster was given the name of a file in the place of rows")
        return reader(*arguments, **keywords)

    read.reads_no_files = True  # type: ignore[attr-defined]  # tells that it was replaced
    return read
