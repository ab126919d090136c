from __future__ import annotations

import datetime as dt
import json
import math
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np
import pytest

from service.json_values import encode, json_value

if TYPE_CHECKING:
    from service.json_values import JsonValue


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        (True, True),
        (3, 3),
        ("ä", "ä"),
        (1.5, 1.5),
        (math.nan, None),
        (-math.inf, None),
        ([1, [math.inf]], [1, [None]]),
        (np.int64(3), 3),
        (np.float32("nan"), None),
        (np.bool_(1), True),
        (dt.date(2026, 5, 4), "2026-05-04"),
        (Decimal("1.5"), "1.5"),
    ],
)
def test_a_value_in_the_types_of_json(value: object, expected: JsonValue) -> None:
    found = json_value(value)

    assert found == expected
    assert type(found) is type(expected)


def test_strict_json_on_one_line() -> None:
    assert encode({"a": [1, 0.5, None, "ä"], "b": math.nan}) == '{"a":[1,0.5,null,"ä"],"b":null}\n'.encode()


def test_half_a_surrogate_pair_becomes_an_escape() -> None:
    assert encode({"a": "\ud800", "b": math.inf}) == b'{"a":"\\ud800","b":null}\n'


def test_whole_numbers_of_any_length() -> None:
    assert json.loads(encode([10**30])) == [10**30]
