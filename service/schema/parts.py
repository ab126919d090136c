"""How the objects of scikit-learn hold others, and what they say of themselves."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Any, cast

# A fitted transformer or model of any library: none of these libraries has types.
Part = Any

COLUMNS_MAX = 100_000
# They are made for missing values, or look at no value at all, though not all versions say so.
BOOSTERS = re.compile(
    r"(HistGradientBoosting|XGB|XGBRF|LGBM|CatBoost|Dummy)(Classifier|Regressor|Ranker)|_ConstantPredictor"
)


def positions_of(transformer: Part, name: str) -> list[int]:
    """Give the positions of the columns that a branch of a column transformer takes."""
    known = getattr(transformer, "_transformer_to_input_indices", {})
    return [int(at) for at in known.get(name, ())]


def listed(value: object) -> list[object]:
    """Give the items of a list, set or tuple; anything else by itself."""
    if value is None:
        return []
    return list(value) if isinstance(value, (list, tuple, set)) else [value]


def width_of(transformer: Part, name: str) -> int | None:
    """Give the number of columns that a branch of a column transformer gives."""
    found = getattr(transformer, "output_indices_", {}).get(name)
    return found.stop - found.start if isinstance(found, slice) else None


def takes_gaps(part: Part) -> bool:
    """Tell whether a part takes missing values: as scikit-learn says it from 1.6 on, or as it did before."""
    if BOOSTERS.fullmatch(type(part).__name__):
        return True
    with suppress(AttributeError):
        return cast("bool", part.__sklearn_tags__().input_tags.allow_nan)
    with suppress(AttributeError):
        return bool(part._get_tags()["allow_nan"])  # noqa: SLF001
    return False
