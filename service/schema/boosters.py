"""What models of CatBoost, LightGBM and XGBoost tell of their columns by attributes of their own.

`infer_cli/inspection/facts/boosters.py` reads XGBoost's and LightGBM's own formats in a file.
"""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING

from service.schema.xgboost_columns import CATEGORY, XgboostColumns, columns_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from service.schema.features import Value
    from service.schema.parts import Part

# The names that LightGBM gives to columns without names.
_NUMBERED = re.compile(r"Column_\d+")
_CODE = re.compile(r"-1|[0-9]{1,9}")
_LIGHTGBM_INFOS = re.compile(r"^feature_infos=(.*)\n", re.MULTILINE)

HIDDEN = "LightGBM does not tell which of its columns have categories"


def is_catboost(model: object) -> bool:
    """Tell whether a model is a fitted model of CatBoost."""
    return type(model).__name__.startswith("CatBoost") and hasattr(model, "feature_names_")


def catboost_names(model: Part) -> list[str]:
    """List the names of a CatBoost model's columns; `x0`, `x1`, … where CatBoost has numbers for names."""
    names = [str(name) for name in model.feature_names_]
    return [f"x{name}" for name in names] if names == [str(at) for at in range(len(names))] else names


def catboost_categories(model: Part) -> set[int]:
    """Give the positions of the categorical columns: they take strings and whole numbers, and no gaps."""
    return {*model.get_cat_feature_indices()}


def catboost_texts(model: Part) -> set[int]:
    """Give the positions of the columns of texts: CatBoost takes strings there, and no gaps."""
    return {*model.get_text_feature_indices()}


def lightgbm_names(model: object) -> list[str] | None:
    """List the names of a LightGBM model's columns; None for any other, and if the columns had no names.

    From 4.5 on, LightGBM lists them as scikit-learn does, too.
    """
    booster: Part = getattr(model, "_Booster", None)
    if not type(booster).__module__.startswith("lightgbm."):
        return None
    names = [str(name) for name in booster.feature_name()]
    return None if all(map(_NUMBERED.fullmatch, names)) else names


def lightgbm_categories(model: Part) -> dict[int, list[Value]]:
    """Give the categories that a LightGBM model learned from pandas, by the position of the column.

    They are told only if all of the model's categorical columns come from pandas.
    """
    booster: Part = getattr(model, "_Booster", None)
    categories = getattr(booster, "pandas_categorical", None) or []
    columns = getattr(booster, "params", {}).get("categorical_column", [])
    # Else some categorical columns are numbers that the user listed, or ordered categories of pandas.
    if not isinstance(columns, list) or len(columns) != len(categories):
        return {}
    found = dict(zip(columns, map(list, categories)))
    start = _LIGHTGBM_INFOS.search(booster.model_to_string(num_iteration=1)) if found else None
    return found if start is None or codes_fit(start[1], found) else {}


def codes_fit(infos: str, categories: Mapping[int, Sequence[object]]) -> bool:
    """Tell whether each column with categories is one whose codes in training they can have had.

    `infos` is the line of LightGBM's text that says of each column its range, `[0:2]`, or the codes that it
    had as a category, `-1:2:0:1`; `none` if it had a single value.
    """
    columns = infos.split(" ")
    for at, known in categories.items():
        info = columns[at] if at < len(columns) else ""
        if info == "none":
            continue
        codes = info.split(":")
        if not all(_CODE.fullmatch(code) and int(code) < len(known) for code in codes):
            return False
    return True


def hides_categories(model: Part) -> bool:
    """Tell whether a LightGBM model has categories of pandas, and does not tell of which columns."""
    booster = getattr(model, "_Booster", None)
    return bool(getattr(booster, "pandas_categorical", None)) and not lightgbm_categories(model)


def xgboost_columns(model: Part) -> XgboostColumns | None:
    """Give the columns of a model of XGBoost that has learned categories of its own; None for any other."""
    booster: Part = getattr(model, "_Booster", model)
    types: list[str] = getattr(booster, "feature_types", None) or []
    if not hasattr(booster, "save_raw") or CATEGORY not in types:
        return None
    # XGBoost itself fails for categories that are unsigned numbers.
    with suppress(Exception):
        return columns_of(bytes(booster.save_raw("ubj")))
    return XgboostColumns(len(types), tuple(booster.feature_names or ()), tuple(types))
