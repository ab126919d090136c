"""Damaged bytes give an inspection or a refusal, never another exception."""

from __future__ import annotations

import _compat_pickle
import contextlib
import gzip
import io
import pickle
import random
from typing import TYPE_CHECKING, Self

import joblib
import pytest

from infer_cli.errors import ModelUnreadable, ModelUnsafe
from infer_cli.inspection import Global

if TYPE_CHECKING:
    from collections.abc import Callable

    from infer_cli.inspection import Inspection

FLIPS = 500


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
            inspection = inspect_bytes(bytes(data))
        except (ModelUnreadable, ModelUnsafe):
            refused += 1
            continue
        assert inspection.as_dict()
        if form.startswith("protocol"):
            for unpickler in (InC, InPython):
                assert _unlisted(unpickler, bytes(data), set(inspection.globals)) == set()

    assert refused


class Inert:
    """Stands for every class and function that a pickle imports."""

    def __new__(cls, *_: object) -> Self:
        return object.__new__(cls)

    def __init__(self, *_: object) -> None:
        """Accept any arguments."""

    def __setstate__(self, _: object) -> None:
        """Accept any arguments."""


class Listening:
    """Imports nothing, and notes the names that a pickle would import."""

    found: set[tuple[str, str]]

    def find_class(self, module: str, name: str) -> type[Inert]:
        self.found.add((module, name))
        return Inert


class InC(Listening, pickle.Unpickler):
    """Python's unpickler in C, which `pickle.load` uses."""


class InPython(Listening, pickle._Unpickler):
    """Python's unpickler in Python, which joblib uses."""


def _unlisted(unpickler: type[InC | InPython], data: bytes, listed: set[Global]) -> set[tuple[str, str]]:
    """Give the names that Python imports, up to the end or to an error, and that are not listed."""
    loading = unpickler(io.BytesIO(data))
    loading.found = set()
    with contextlib.suppress(Exception):
        loading.load()
    return {(module, name) for module, name in loading.found if listed.isdisjoint(_meanings(module, name))}


def _meanings(module: str, name: str) -> set[Global]:
    """Give the name that a pickle means in protocols of Python 3, and in those of Python 2."""
    renamed = _compat_pickle.NAME_MAPPING.get((module, name))
    return {
        Global(module, name),
        Global(*(renamed or (_compat_pickle.IMPORT_MAPPING.get(module, module), name))),
    }
