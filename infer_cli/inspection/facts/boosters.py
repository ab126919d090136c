"""What the boosters of XGBoost and LightGBM tell in their own formats, which a pickle holds as bytes.

`service/schema/boosters.py` asks the loaded boosters of LightGBM and CatBoost.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from infer_cli.inspection.facts.xgboost_columns import XgboostColumns, columns_of
from infer_cli.inspection.nodes.arrays import values_of
from infer_cli.inspection.nodes.node_types import Blob, DictNode, Instance, ListNode, Node

if TYPE_CHECKING:
    from collections.abc import Sequence

    from infer_cli.inspection.nodes.arrays import Plain

# The attributes that hold a booster in its own format. The pickle machine keeps the first bytes of them.
HANDLES = frozenset({"_handle", "handle"})
XGBOOST_BOOSTER, LIGHTGBM_BOOSTER = "xgboost.core.Booster", "lightgbm.basic.Booster"
# "version" and a list of three integers of one byte each, in UBJSON (https://ubjson.org).
_XGBOOST_VERSION = re.compile(rb"version\[#L\0{7}\x03i(.)i(.)i(.)", re.DOTALL)
# Only a line with its end: where the kept bytes stop within the line, a name may be cut off.
_LIGHTGBM_NAMES = re.compile(rb"^feature_names=(.*)\n", re.MULTILINE)
_LIGHTGBM_INFOS = re.compile(rb"^feature_infos=(.*)\n", re.MULTILINE)
_CODE = re.compile(r"-1|[0-9]{1,9}")
_RANGE = re.compile(r"\[([0-9]{1,9}):([0-9]{1,9})\]")
# The names that LightGBM gives to columns without names.
_NUMBERED = re.compile(r"Column_\d+")

HIDDEN = "LightGBM does not tell which of its columns have categories"


def xgboost_version(node: Instance) -> str | None:
    """Give the version of XGBoost that saved a booster; None if the node is no booster of XGBoost."""
    match = _XGBOOST_VERSION.search(xgboost_start(node))
    return ".".join(str(part[0]) for part in match.groups()) if match else None


def xgboost_columns(model: Instance) -> XgboostColumns | None:
    """Give the columns of a model of XGBoost; None for any other, and where the file tells too little."""
    booster = model.state().get("_Booster", model)
    return columns_of(xgboost_start(booster)) if isinstance(booster, Instance) else None


def xgboost_start(node: Instance) -> bytes:
    """Give the first bytes of a booster of XGBoost; none if the node is no such booster."""
    if str(node.made_by) != XGBOOST_BOOSTER:
        return b""
    handle = node.state().get("handle")
    if isinstance(handle, Instance) and handle.arguments:
        # The booster is a bytearray, which protocols below 5 write as a call of bytearray with bytes.
        handle = handle.arguments[0]
    return _start(handle)


def lightgbm_names(model: Instance) -> tuple[str, ...] | None:
    """Give the column names that a LightGBM model was trained with; None if the columns had no names."""
    match = _LIGHTGBM_NAMES.search(lightgbm_start(model))
    if match is None:
        return None
    names = match[1].decode(errors="replace").split(" ")
    return None if all(map(_NUMBERED.fullmatch, names)) else tuple(names)


def lightgbm_categories(model: Instance) -> dict[int, tuple[Plain, ...]]:
    """Give the categories that a LightGBM model learned from pandas, by the position of the column.

    There are none if the model does not tell of which columns they are.
    """
    found = placed(_lightgbm_infos(model), *pandas_lists(model)) or {}
    return {at: tuple(known) for at, known in found.items()}


def hidden_categories(model: Instance) -> set[int]:
    """Give the columns of a LightGBM model that may have categories of pandas, if it does not tell which."""
    infos, (chosen, lists) = _lightgbm_infos(model), pandas_lists(model)
    return candidates(infos, lists) if placed(infos, chosen, lists) is None else set()


def pandas_lists(model: Instance) -> tuple[list[int], list[tuple[Plain, ...]]]:
    """Give the columns that a LightGBM model took as categorical, and the categories of pandas columns."""
    booster = _lightgbm_booster(model)
    parameters, lists = booster.get("params"), booster.get("pandas_categorical")
    if not isinstance(parameters, DictNode) or not isinstance(lists, ListNode) or not lists.items:
        return [], []
    chosen = values_of(parameters.by_name().get("categorical_column")) or ()
    known = [values_of(one) or () for one in lists.items]
    return [at for at in chosen if isinstance(at, int)], known


def _lightgbm_infos(model: Instance) -> list[str]:
    match = _LIGHTGBM_INFOS.search(lightgbm_start(model))
    if match is None:
        # Too little of the booster is kept: the columns that LightGBM took as categorical pass for those.
        return ["none"] * (max(pandas_lists(model)[0], default=0) + 1)
    return match[1].decode(errors="replace").split(" ")


def placed(
    infos: Sequence[str], chosen: Sequence[int], lists: Sequence[Sequence[Plain]]
) -> dict[int, Sequence[Plain]] | None:
    """Give the categories that LightGBM learned from pandas, by the position of the column; None in doubt.

    `infos` say of each column its range in training, `[0:2]`, or the codes that it had as a category,
    `-1:2:0:1`; `none` if it had a single value. `chosen` are the columns that LightGBM took as categorical,
    `lists` the categories of pandas in the order of their columns. As a rule, these are the same columns.
    Where they are not, because categories are ordered or the user listed columns, one choice alone must fit.
    """
    chosen = sorted(chosen)
    pairs = list(zip(chosen, lists, strict=False))
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
    return dict(zip(first, lists, strict=True))


def candidates(infos: Sequence[str], lists: Sequence[Sequence[Plain]]) -> set[int]:
    """Give the positions of the columns that may have any of the categories: all, if they fit no column."""
    largest = max(map(len, lists), default=0)
    return {at for at, info in enumerate(infos) if _holds(info, largest)} or set(range(len(infos)))


def _greedy(infos: Sequence[str], lists: Sequence[Sequence[Plain]]) -> list[int] | None:
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
    """Say whether a column can have held the codes of so many categories in training."""
    if info == "none":
        return True
    bounds = _RANGE.fullmatch(info)
    if bounds is not None:
        return int(bounds[1]) <= int(bounds[2]) < count
    return all(_CODE.fullmatch(code) and int(code) < count for code in info.split(":"))


def _has_rival(info: str, known: Sequence[Plain], others: set[str]) -> bool:
    """Say whether another column may rather be that of the categories, so that values would be confused.

    It has just the codes of the categories as its range. A text in its place is refused by the service, and
    numbers that are their own codes are the same in both columns.
    """
    if f"[0:{len(known) - 1}]" not in others or list(known) == list(range(len(known))):
        return False
    is_number = all(isinstance(value, int | float) for value in known)
    return is_number or str(len(known) - 1) not in info.split(":")


def _lightgbm_booster(model: Instance) -> dict[str, Node]:
    booster = model.state().get("_Booster", model)
    if isinstance(booster, Instance) and str(booster.made_by) == LIGHTGBM_BOOSTER:
        return booster.state()
    return {}


def lightgbm_start(model: Instance) -> bytes:
    """Give the first bytes of a booster's text, which LightGBM before 4.0 keeps under another name."""
    state = _lightgbm_booster(model)
    return _start(state.get("_handle", state.get("handle")))


def _start(handle: Node) -> bytes:
    if isinstance(handle, Blob):
        return handle.start
    return handle.encode() if isinstance(handle, str) else handle if isinstance(handle, bytes) else b""
