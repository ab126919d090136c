"""A file holds one pickle and nothing after it."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING

from infer_cli.errors import ModelUnreadable

if TYPE_CHECKING:
    from collections.abc import Callable

    from infer_cli.errors import ModelUnreadable


def test_several_pickles(models: dict[str, object], refusal: Callable[[bytes], ModelUnreadable]) -> None:
    one = pickle.dumps(models["svc"])

    assert (
        f"holds several pickles, one after another: the second starts at byte {len(one)}"
        in refusal(one * 2).message
    )
    assert f"goes on after its pickle, which ends at byte {len(one)}" in refusal(one + b"\0").message
