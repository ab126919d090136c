"""Integers, floats, names and strings must be written as Python writes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from infer_cli.errors import ModelUnreadable


@pytest.mark.parametrize(
    ("pickled", "reason"),
    [
        (b"\x80\x04Ione\n.", "'one' at byte 3, where an integer belongs"),
        (b"\x80\x04I0x1\n.", "where an integer belongs"),
        (b"\x80\x04I" + b"1" * 5000 + b"\n.", "where an integer belongs"),
        (b"\x80\x04L1e5L\n.", "where an integer belongs"),
        (b"\x80\x04Fone\n.", "where a number belongs"),
        (b"\x80\x04Sone\n.", "where a string in quotes belongs"),
        (b"\x80\x04S'\\q'\n.", "where a string in quotes belongs"),
        (b"\x80\x04Np-1\n.", "a negative memo index"),
        (b"\x80\x04T\xff\xff\xff\xff.", "a negative length"),
        (b"\x80\x04\x8b\x00\x00\x10\x00.", "an integer of 1048576 bytes"),
        (b"\x80\x04c\nb\n.", "where a name belongs"),
        (b"\x80\x04c\xff\nb\n.", "where a name belongs"),
        (b"\x80\x04c" + b"a" * 70_000 + b"\nb\n.", "a line of 70000 bytes"),
    ],
)
def test_refuses(pickled: bytes, reason: str, refusal: Callable[[bytes], ModelUnreadable]) -> None:
    error = refusal(pickled)

    assert reason in error.message
    assert error.message.startswith("/")
    assert error.message.endswith(".")
