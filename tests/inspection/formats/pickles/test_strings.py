"""A string that Python cannot decode is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from infer_cli.errors import ModelUnreadable


@pytest.mark.parametrize(
    ("pickled", "reason"),
    [
        (b"\x80\x04U\x01\xe9.", "was saved by Python 2"),
        (b"\x80\x04\x8c\x01\xe9.", "is not UTF-8"),
        (b"\x80\x04V\\u00\n.", "has a broken escape"),
    ],
)
def test_refuses(pickled: bytes, reason: str, refusal: Callable[[bytes], ModelUnreadable]) -> None:
    error = refusal(pickled)

    assert reason in error.message
    assert error.message.startswith("/")
    assert error.message.endswith(".")
