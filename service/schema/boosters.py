"""What models of CatBoost, LightGBM and XGBoost tell of their columns by attributes of their own.

`infer_cli/inspection/facts/boosters.py` reads XGBoost's and LightGBM's own formats in a file.
"""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING

from service.schema.xgboost_columns import CATEGORY, XgboostColumns, columns_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from service.schema.features import Value
    from service.schema.parts import Part

# The names that LightGBM gives to columns without names.
_NUMBERED = re.compile(r"Column_\d+")
_CODE = re.compile(r"-1|[0-9]{1,9}")
_RANGE = re.compile(r"\[([0-9]{1,9}):([0-9]{1,9})\]")
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


def lightgbm_categories(model: Part) -> dict[int, Sequence[Value]]:
    """Give the categories that a LightGBM model learned from pandas, by the position of the column.

    There are none if the model does not tell of which columns they are.
    """
    infos, chosen, lists = _lightgbm_lists(model)
    return placed(infos, chosen, lists) or {}


def hidden_categories(model: Part) -> set[int]:
    """Give the columns of a LightGBM model that may have categories of pandas, if it does not tell which."""
    infos, chosen, lists = _lightgbm_lists(model)
    return candidates(infos, lists) if placed(infos, chosen, lists) is None else set()


def _lightgbm_lists(model: Part) -> tuple[list[str], list[int], list[list[Value]]]:
    """Give what `placed` takes; empty lists for a model without categories of pandas."""
    booster: Part = getattr(model, "_Booster", None)
    lists = getattr(booster, "pandas_categorical", None) or []
    if not lists:
        return [], [], []
    chosen = getattr(booster, "params", {}).get("categorical_column", [])
    match = _LIGHTGBM_INFOS.search(booster.model_to_string(num_iteration=1))
    infos = match[1].split(" ") if match else []
    return infos, chosen if isinstance(chosen, list) else [], [list(known) for known in lists]


def placed(
    infos: Sequence[str], chosen: Sequence[int], lists: Sequence[Sequence[Value]]
) -> dict[int, Sequence[Value]] | None:
    """Give the categories that LightGBM learned from pandas, by the position of the column; None in doubt.

    `infos` say of each column its range in training, `[0:2]`, or the codes that it had as a category,
    `-1:2:0:1`; `none` if it had a single value. `chosen` are the columns that LightGBM took as categorical,
    `lists` the categories of pandas in the order of their columns. As a rule, these are the same columns.
    Where they are not, because categories are ordered or the user listed columns, one choice alone must fit.
    """
    chosen = sorted(chosen)
    pairs = list(zip(chosen, lists))
    if len(chosen) == len(lists) and all(
        at < len(infos) and _holds(infos[at], len(one)) for at, one in pairs
    ):
        others = {info for at, info in enumerate(infos) if at not in chosen}
        is_doubtful = any(_has_rival(infos[at], one, others) for at, one in pairs)
        return None if is_doubtful else dict(pairs)
    first = _greedy(infos, lists)
    last = _greedy(infos[::-1], lists[::-1])
    if first is None or last is None or first != [len(infos) - 1 - at for at in reversed(last)]:
        return None
    return dict(zip(first, lists))


def candidates(infos: Sequence[str], lists: Sequence[Sequence[Value]]) -> set[int]:
    """Give the positions of the columns that may have any of the categories: all, if they fit no column."""
    largest = max(map(len, lists), default=0)
    return {at for at, info in enumerate(infos) if _holds(info, largest)} or set(range(len(infos)))


def _greedy(infos: Sequence[str], lists: Sequence[Sequence[Value]]) -> list[int] | None:
    """Give each list the first column, after that of the list before, which can have had its codes."""
    found: list[int] = []
    at = -1
    for known in lists:
        at = next((at for at in range(at + 1, len(infos)) if _holds(infos[at], len(known))), -1)
        if at < 0:
            return None
        found.append(at)
    return found


def _holds(info: str, count: int) -> bool:
    """Tell whether a column can have held the codes of so many categories in training."""
    if info == "none":
        return True
    bounds = _RANGE.fullmatch(info)
    if bounds is not None:
        return int(bounds[1]) <= int(bounds[2]) < count
    return all(_CODE.fullmatch(code) and int(code) < count for code in info.split(":"))


def _has_rival(info: str, known: Sequence[Value], others: set[str]) -> bool:
    """Tell whether another column may rather be that of the categories, so that values would be confused.

    It has just the codes of the categories as its range. A text in its place is refused by the service, and
    numbers that are their own codes are the same in both columns.
    """
    if f"[0:{len(known) - 1}]" not in others or list(known) == list(range(len(known))):
        return False
    is_number = all(isinstance(value, (int, float)) for value in known)
    return is_number or str(len(known) - 1) not in info.split(":")


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
