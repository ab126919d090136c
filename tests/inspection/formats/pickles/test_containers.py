"""Only containers and objects take items."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from infer_cli.errors import ModelUnreadable


@pytest.mark.parametrize(
    ("pickled", "reason"),
    [
        (b"\x80\x04\x86.", "takes a value from an empty stack"),
        (b"\x80\x04}(K\x01u.", "a dictionary key without a value"),
        (b"\x80\x04(K\x01d.", "a dictionary key without a value"),
        (b"\x80\x04K\x01K\x02a.", "appends to a value that is no list"),
        (b"\x80\x04](K\x02\x90.", "adds to a value that is no set"),
        (b"\x80\x04]K\x01K\x02s.", "sets an item of a value that is no dictionary"),
    ],
)
def test_refuses(pickled: bytes, reason: str, refusal: Callable[[bytes], ModelUnreadable]) -> None:
    error = refusal(pickled)

    assert reason in error.message
    assert error.message.startswith("/")
    assert error.message.endswith(".")


def test_a_million_nested_tuples_are_read_and_refused(refusal: Callable[[bytes], ModelUnreadable]) -> None:
    assert "deeper than any model" in refusal(b"\x80\x04N" + b"\x85" * 1_000_000 + b".").message
