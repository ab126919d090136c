"""The first bytes of the files that XGBoost, LightGBM and CatBoost write themselves.

`service/loading/booster_files.py` knows the files by the same bytes.
"""

from __future__ import annotations

import re
from typing import Literal, TypeAlias

Library: TypeAlias = Literal["xgboost", "lightgbm", "catboost"]

XGBOOST_UBJSON = re.compile(rb"\{[iUIlL]\0{0,7}\x07learner", re.DOTALL)
XGBOOST_JSON = re.compile(rb'\s*\{\s*("version"\s*:\s*\[[\d\s,]*\]\s*,\s*)?"learner"\s*:')
LIGHTGBM = re.compile(rb"tree\r?\nversion=v")
CATBOOST = re.compile(rb"CBM1")
# So many bytes tell the formats apart.
START_BYTES = 64


def library_of(start: bytes) -> Library | None:
    """Tell by its first bytes which library of boosters wrote a file; None for any other file."""
    if XGBOOST_UBJSON.match(start) or XGBOOST_JSON.match(start):
        return "xgboost"
    if LIGHTGBM.match(start):
        return "lightgbm"
    return "catboost" if CATBOOST.match(start) else None
