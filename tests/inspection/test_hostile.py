"""Whatever the bytes, the answer is an inspection or a refusal, and soon."""

from __future__ import annotations

import gzip
import io
import pickle
import random
from typing import TYPE_CHECKING

import joblib
import pytest

from infer_cli.errors import ModelUnreadable

if TYPE_CHECKING:
    from collections.abc import Callable

    from infer_cli.inspection import Inspection

FLIPS = 1500


def _joblib(model: object, compress: object = 0) -> bytes:
    file = io.BytesIO()
    joblib.dump(model, file, compress=compress)
    return file.getvalue()


def _forms(model: object) -> dict[str, bytes]:
    return {
        "protocol 0": pickle.dumps(model, 0),
        "protocol 2": pickle.dumps(model, 2),
        "protocol 5": pickle.dumps(model, 5),
        "gzip": gzip.compress(pickle.dumps(model), mtime=0),
        "joblib": _joblib(model),
        "zlib": _joblib(model, 3),
    }


FORMS = ("protocol 0", "protocol 2", "protocol 5", "gzip", "joblib", "zlib")


@pytest.mark.parametrize("form", FORMS)
def test_cut_anywhere(
    form: str, models: dict[str, object], refusal: Callable[[bytes], ModelUnreadable]
) -> None:
    data = _forms(models["pipeline"])[form]

    for length in range(0, len(data), max(1, len(data) // 300)):
        refusal(data[:length])
    assert "is cut short" in refusal(data[: len(data) // 2]).message
    assert "is cut short" in refusal(data[:-1]).message


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", ["columns", "forest"])
def test_flipped_bytes(
    form: str, name: str, models: dict[str, object], inspect_bytes: Callable[..., Inspection]
) -> None:
    original = _forms(models[name])[form]
    chance = random.Random(f"{form} {name}")  # noqa: S311 - for tests, not for secrets
    refused = 0

    for _ in range(FLIPS):
        data = bytearray(original)
        for _ in range(chance.choice([1, 1, 1, 2, 8])):
            data[chance.randrange(len(data))] = chance.randrange(256)
        try:
            assert inspect_bytes(bytes(data)).as_dict()
        except ModelUnreadable:
            refused += 1

    assert refused
