"""UBJSON is read as XGBoost writes it, and nothing in a file costs more than its bytes."""

from __future__ import annotations

import io
import json
import struct
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from infer_cli.inspection.files.refusal import Refused
from infer_cli.inspection.files.stream import Stream
from infer_cli.inspection.files.ubjson import DEPTH_MAX, read_ubjson

if TYPE_CHECKING:
    from infer_cli.inspection.files.ubjson import Ubjson

# One model of XGBoost 3.2, which XGBoost saved in both formats.
MODEL = Path(__file__).parents[2] / "golden" / "boosters" / "xgboost"


def read(content: bytes, *skipped: str) -> Ubjson:
    return read_ubjson(Stream(io.BytesIO(content)), skipped=frozenset(skipped))


def length(number: int) -> bytes:
    return b"L" + struct.pack(">q", number)


def rounded(value: Ubjson) -> Ubjson:
    """The value with its fractions in 32 bits, as XGBoost computes and as UBJSON holds them."""
    if isinstance(value, dict):
        return {name: rounded(item) for name, item in value.items()}
    if isinstance(value, list):
        return [rounded(item) for item in value]
    return struct.unpack("f", struct.pack("f", value))[0] if isinstance(value, float) else value


def test_a_model_of_xgboost_holds_the_same_as_its_json() -> None:
    found = read(MODEL.with_suffix(".ubj").read_bytes())

    assert rounded(found) == rounded(json.loads(MODEL.with_suffix(".json").read_text()))


def test_what_is_skipped_is_none_and_the_rest_is_read() -> None:
    found = read(MODEL.with_suffix(".ubj").read_bytes(), "trees")

    wanted = json.loads(MODEL.with_suffix(".json").read_text())
    wanted["learner"]["gradient_booster"]["model"]["trees"] = None
    assert found == wanted


@pytest.mark.parametrize(
    ("content", "value"),
    [
        pytest.param(b"[ZTF]", [None, True, False], id="constants"),
        pytest.param(b"[i\xffU\xffI\xff\xfel\xff\xff\xff\xfd]", [-1, 255, -2, -3], id="integers"),
        pytest.param(b"[$D#i\x02" + struct.pack(">2d", 0.1, -3), [0.1, -3.0], id="doubles"),
        pytest.param(b"[#i\x02Si\x01aSi\x00", ["a", ""], id="strings"),
        pytest.param(b"{i\x01a{}i\x01b[]}", {"a": {}, "b": []}, id="empty"),
    ],
)
def test_values(content: bytes, value: Ubjson) -> None:
    assert read(content) == value
    assert read(b"[" + content + b"i\x07]") == [value, 7]
    assert read(b"{i\x01k" + content + b"i\x01ai\x07}", "k") == {"k": None, "a": 7}


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(MODEL.with_suffix(".ubj").read_bytes()[:-300], id="cut-short"),
        pytest.param(b"[$d#" + length(2**40), id="absurd-array"),
        pytest.param(b"[#" + length(2**40) + b"Z" * 10, id="absurd-list"),
        pytest.param(b"S" + length(2**40), id="absurd-string"),
        pytest.param(b"[#" + length(-1), id="negative-length"),
        pytest.param(b"[" * (DEPTH_MAX + 1), id="deep"),
        pytest.param(b"{i\x01aZi\x01aZ}", id="two-values-of-a-name"),
        pytest.param(b"Si\x01\xff", id="not-utf-8"),
        pytest.param(b"[$Z#i\x05", id="array-of-constants"),
        pytest.param(b"x", id="unknown-marker"),
    ],
)
def test_what_is_no_ubjson_is_refused(content: bytes) -> None:
    with pytest.raises(Refused):
        read(content)
