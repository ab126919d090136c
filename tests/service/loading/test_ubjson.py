"""UBJSON is read as XGBoost writes it: the same values as in the JSON of the same model."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from service.errors import UnusableFile
from service.loading.ubjson import DEPTH_MAX, read_ubjson

# One model of XGBoost 3.2, which XGBoost saved in both formats.
MODEL = Path(__file__).parents[2] / "golden" / "boosters" / "xgboost"


def plain(value: Any) -> Any:
    """The value with lists for arrays, and with its fractions in 32 bits, as UBJSON holds them."""
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items()}
    if isinstance(value, (list, np.ndarray)):
        return [plain(item) for item in np.asarray(value).tolist()] if len(value) else []
    return float(np.float32(value)) if isinstance(value, float) else value


def test_a_model_of_xgboost_holds_the_same_as_its_json() -> None:
    found = read_ubjson(MODEL.with_suffix(".ubj").read_bytes())

    assert plain(found) == plain(json.loads(MODEL.with_suffix(".json").read_text()))


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(MODEL.with_suffix(".ubj").read_bytes()[:-300], id="cut-short"),
        pytest.param(MODEL.with_suffix(".ubj").read_bytes() + b"Z", id="bytes-behind"),
        pytest.param(b"[$d#L" + struct.pack(">q", 2**40), id="absurd-array"),
        pytest.param(b"[#L" + struct.pack(">q", 2**40) + b"Z" * 10, id="absurd-list"),
        pytest.param(b"SL" + struct.pack(">q", 2**40), id="absurd-string"),
        pytest.param(b"[#L" + struct.pack(">q", -1), id="negative-length"),
        pytest.param(b"[" * (DEPTH_MAX + 1), id="deep"),
        pytest.param(b"{i\x01aZi\x01aZ}", id="two-values-of-a-name"),
        pytest.param(b"Si\x01\xff", id="not-utf-8"),
        pytest.param(b"[$Z#i\x05", id="array-of-constants"),
        pytest.param(b"x", id="unknown-marker"),
        pytest.param(b"", id="empty"),
    ],
)
def test_what_is_no_ubjson_is_refused(content: bytes) -> None:
    with pytest.raises(UnusableFile):
        read_ubjson(content)
