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
    from collections.abc import Mapping, Sequence

    from infer_cli.inspection.nodes.arrays import Plain

# The attributes that hold a booster in its own format. The pickle machine keeps the first bytes of them.
HANDLES = frozenset({"_handle", "handle"})
# "version" and a list of three integers of one byte each, in UBJSON (https://ubjson.org).
_XGBOOST_VERSION = re.compile(rb"version\[#L\0{7}\x03i(.)i(.)i(.)", re.DOTALL)
# Only a line with its end: where the kept bytes stop within the line, a name may be cut off.
_LIGHTGBM_NAMES = re.compile(rb"^feature_names=(.*)\n", re.MULTILINE)
_LIGHTGBM_INFOS = re.compile(rb"^feature_infos=(.*)\n", re.MULTILINE)
_CODE = re.compile(r"-1|[0-9]{1,9}")
# The names that LightGBM gives to columns without names.
_NUMBERED = re.compile(r"Column_\d+")

HIDDEN = "LightGBM does not tell which of its columns have categories"


def xgboost_version(node: Instance) -> str | None:
    """Give the version of XGBoost that saved a booster; None if the node is no booster of XGBoost."""
    match = _XGBOOST_VERSION.search(_xgboost_start(node))
    return ".".join(str(part[0]) for part in match.groups()) if match else None


def xgboost_columns(model: Instance) -> XgboostColumns | None:
    """Give the columns of a model of XGBoost; None for any other, and where the file tells too little."""
    booster = model.state().get("_Booster", model)
    return columns_of(_xgboost_start(booster)) if isinstance(booster, Instance) else None


def _xgboost_start(node: Instance) -> bytes:
    """Give the first bytes of a booster of XGBoost; none if the node is no such booster."""
    if str(node.made_by) != "xgboost.core.Booster":
        return b""
    handle = node.state().get("handle")
    if isinstance(handle, Instance) and handle.arguments:
        # The booster is a bytearray, which protocols below 5 write as a call of bytearray with bytes.
        handle = handle.arguments[0]
    return _start(handle)


def lightgbm_names(model: Instance) -> tuple[str, ...] | None:
    """Give the column names that a LightGBM model was trained with; None if the columns had no names."""
    match = _LIGHTGBM_NAMES.search(_lightgbm_start(model))
    if match is None:
        return None
    names = match[1].decode(errors="replace").split(" ")
    return None if all(map(_NUMBERED.fullmatch, names)) else tuple(names)


def lightgbm_categories(model: Instance) -> dict[int, tuple[Plain, ...]]:
    """Give the categories that a LightGBM model learned from pandas, by the position of the column.

    They are told only if all of the model's categorical columns come from pandas.
    """
    booster = _lightgbm_booster(model)
    parameters, categories = booster.get("params"), booster.get("pandas_categorical")
    if not isinstance(parameters, DictNode) or not isinstance(categories, ListNode):
        return {}
    columns = values_of(parameters.by_name().get("categorical_column")) or ()
    found = {
        column: values
        for column, known in zip(columns, categories.items, strict=False)
        if isinstance(column, int) and (values := values_of(known)) is not None
    }
    # Else some categorical columns are numbers that the user listed, or ordered categories of pandas.
    if not len(found) == len(columns) == len(categories.items):
        return {}
    match = _LIGHTGBM_INFOS.search(_lightgbm_start(model))
    return found if match is None or codes_fit(match[1].decode(errors="replace"), found) else {}


def codes_fit(infos: str, categories: Mapping[int, Sequence[object]]) -> bool:
    """Say whether each column with categories is one whose codes in training they can have had.

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


def hides_categories(model: Instance) -> bool:
    """Say whether a LightGBM model has categories of pandas, and does not tell of which columns."""
    categories = _lightgbm_booster(model).get("pandas_categorical")
    return isinstance(categories, ListNode) and bool(categories.items) and not lightgbm_categories(model)


def _lightgbm_booster(model: Instance) -> dict[str, Node]:
    booster = model.state().get("_Booster")
    if isinstance(booster, Instance) and str(booster.made_by) == "lightgbm.basic.Booster":
        return booster.state()
    return {}


def _lightgbm_start(model: Instance) -> bytes:
    """Give the first bytes of a booster's text, which LightGBM before 4.0 keeps under another name."""
    state = _lightgbm_booster(model)
    return _start(state.get("_handle", state.get("handle")))


def _start(handle: Node) -> bytes:
    if isinstance(handle, Blob):
        return handle.start
    return handle.encode() if isinstance(handle, str) else handle if isinstance(handle, bytes) else b""
