"""What the boosters of XGBoost and LightGBM tell in their own formats, which lie as bytes in a pickle."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from infer_cli.inspection.nodes.arrays import values_of
from infer_cli.inspection.nodes.node_types import Blob, DictNode, Instance, ListNode, Node

if TYPE_CHECKING:
    from infer_cli.inspection.nodes.arrays import Plain

# The attributes that hold a booster's own format; the machine keeps the start of them.
HANDLES = frozenset({"_handle", "handle"})
# A list of three small numbers in UBJSON.
_XGBOOST_VERSION = re.compile(rb"version\[#L\0{7}\x03i(.)i(.)i(.)", re.DOTALL)
# A line that is whole, so that no name is cut off.
_LIGHTGBM_NAMES = re.compile(rb"^feature_names=(.*)\n", re.MULTILINE)
# What LightGBM calls columns without names.
_NUMBERED = re.compile(r"Column_\d+")


def xgboost_version(node: Instance) -> str | None:
    """Give the version of XGBoost that saved a booster, None if it is none of XGBoost's."""
    if str(node.made_by) != "xgboost.core.Booster":
        return None
    handle = node.state().get("handle")
    if isinstance(handle, Instance) and handle.arguments:
        # A bytearray that is made of bytes.
        handle = handle.arguments[0]
    match = _XGBOOST_VERSION.search(_start(handle))
    return ".".join(str(part[0]) for part in match.groups()) if match else None


def lightgbm_names(model: Instance) -> tuple[str, ...] | None:
    """Give the names of the columns that a model of LightGBM was trained with, None if they had none."""
    match = _LIGHTGBM_NAMES.search(_start(_lightgbm_booster(model).get("_handle")))
    if match is None:
        return None
    names = match[1].decode(errors="replace").split(" ")
    return None if all(map(_NUMBERED.fullmatch, names)) else tuple(names)


def lightgbm_categories(model: Instance) -> dict[int, tuple[Plain, ...]]:
    """Give the categories that a model of LightGBM learned from pandas, by the column's position."""
    booster = _lightgbm_booster(model)
    parameters, tables = booster.get("params"), booster.get("pandas_categorical")
    if not isinstance(parameters, DictNode) or not isinstance(tables, ListNode):
        return {}
    columns = values_of(parameters.by_name().get("categorical_column")) or ()
    found = {
        column: values
        for column, table in zip(columns, tables.items, strict=False)
        if isinstance(column, int) and (values := values_of(table)) is not None
    }
    # Others are numbers that the user called categories, or have an order.
    return found if len(found) == len(columns) == len(tables.items) else {}


def _lightgbm_booster(model: Instance) -> dict[str, Node]:
    booster = model.state().get("_Booster")
    is_one = isinstance(booster, Instance) and str(booster.made_by) == "lightgbm.basic.Booster"
    return booster.state() if is_one and isinstance(booster, Instance) else {}


def _start(handle: Node) -> bytes:
    if isinstance(handle, Blob):
        return handle.start
    return handle.encode() if isinstance(handle, str) else handle if isinstance(handle, bytes) else b""
