"""How the parts of a fitted model hold columns, and what a part says of the gaps that it takes.

`infer_cli/inspection/facts/parts.py` reads the same of parts that are not loaded.
"""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Any, cast

# A fitted transformer or model of any library. It is Any because these libraries ship no types.
Part = Any

# A transformer that gives more columns counts as giving this many.
COLUMNS_MAX = 100_000
# Models that are made for gaps, or that look at no value at all. Not all versions of them say so.
TAKE_GAPS = re.compile(
    r"(HistGradientBoosting|XGB|XGBRF|LGBM|CatBoost|Dummy)(Classifier|Regressor|Ranker)|_ConstantPredictor"
)


def positions_of(transformer: Part, name: str) -> list[int]:
    """Give the positions of the columns that the branch of this name of a column transformer takes."""
    known = getattr(transformer, "_transformer_to_input_indices", {})
    return [int(at) for at in known.get(name, ())]


def listed(value: object) -> list[object]:
    """Give the items of a list, set or tuple; any other value is a list of itself, None an empty one."""
    if value is None:
        return []
    return list(value) if isinstance(value, (list, tuple, set)) else [value]


def width_of(transformer: Part, name: str) -> int | None:
    """Give how many columns leave the branch of this name of a column transformer; None if unknown."""
    found = getattr(transformer, "output_indices_", {}).get(name)
    return found.stop - found.start if isinstance(found, slice) else None


def takes_gaps(part: Part) -> bool:
    """Tell whether a part takes gaps: by its tags of scikit-learn 1.6 or newer, or of an older version."""
    if TAKE_GAPS.fullmatch(type(part).__name__):
        return True
    with suppress(AttributeError):
        return cast("bool", part.__sklearn_tags__().input_tags.allow_nan)
    with suppress(AttributeError):
        return bool(part._get_tags()["allow_nan"])  # noqa: SLF001
    return False
