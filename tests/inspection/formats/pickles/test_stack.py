"""A stack or memo that no pickler writes, or that grows without end, is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from infer_cli.inspection.files import budget

if TYPE_CHECKING:
    from collections.abc import Callable

    from infer_cli.errors import ModelUnreadable


@pytest.mark.parametrize(
    ("pickled", "reason"),
    [
        (b"\x80\x04.", "ends with values left over"),
        (b"\x80\x042.", "uses a value of an empty stack"),
        (b"\x80\x04N0.", "ends with values left over"),
        (b"\x80\x04NN.", "ends with values left over"),
        (b"\x80\x04(N.", "ends with values left over"),
        (b"\x80\x04(0" + b"0", "uses a mark that was not set"),
        (b"\x80\x04t.", "uses a mark that was not set"),
        (b"\x80\x04h\x05.", "gets memo index 5, which was not put"),
        (b"\x80\x04Nr\xff\xff\xff\xff.", "far beyond the end of the memo"),
    ],
)
def test_refuses(pickled: bytes, reason: str, refusal: Callable[[bytes], ModelUnreadable]) -> None:
    error = refusal(pickled)

    assert reason in error.message
    assert error.message.startswith("/")
    assert error.message.endswith(".")


@pytest.mark.parametrize(
    "pickled",
    [
        b"\x80\x04" + b"]\x94" * 3000,
        b"\x80\x04" + b"K\x01\x94" * 3000,
        b"\x80\x04](" + b"K\x01" * 3000 + b"e",
        b"\x80\x04Nr\x00\x03\x00\x00r\x00\x06\x00\x00r\x00\x09\x00\x00r\x00\x0c\x00\x00",
        b"\x80\x04" + b"X\xff\x03\x00\x00" * 1 + b"a" * 1023 + b"X\xff\x03\x00\x00" + b"a" * 1023,
        b"\x80\x04" + b"N0" * 60_000,
    ],
    ids=["containers", "memo", "items", "gaps of the memo", "strings", "steps"],
)
def test_refuses_to_be_exhausted(
    pickled: bytes, refusal: Callable[[bytes], ModelUnreadable], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(budget, "NODES_MAX", 2000)
    monkeypatch.setattr(budget, "STRING_BYTES_MAX", 2000)
    monkeypatch.setattr(budget, "STEPS_MAX", 100_000)

    assert "exhaust" in refusal(pickled + b".").message


@pytest.mark.parametrize("pushed", [b"N", b"("], ids=["values", "marks"])
def test_refuses_a_stack_without_end(pushed: bytes, refusal: Callable[[bytes], ModelUnreadable]) -> None:
    assert "exhaust" in refusal(b"\x80\x04" + pushed * 5_000_000).message
