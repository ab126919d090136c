from __future__ import annotations

import io
import json
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier

from service.compile import compile_model
from service.compiler.archive import write_saved
from service.loading.model_file import load_model

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from service.compiler.saved import Saved

    Save = Callable[..., Path]
    Change = Callable[[dict[str, Any]], object]


def written(saved: Saved) -> bytes:
    file = io.BytesIO()
    write_saved(file, saved)
    return file.getvalue()


def compiled(save: Save, model: object) -> Saved:
    return compile_model(load_model(save(model)))[0]


@pytest.fixture(scope="module")
def forest() -> RandomForestClassifier:
    chance = np.random.default_rng(0)
    rows = chance.normal(size=(60, 3))
    return RandomForestClassifier(3, random_state=0).fit(rows, rows[:, 0] > 0)


@pytest.fixture
def remake(forest: RandomForestClassifier, save: Save) -> Callable[..., io.BytesIO]:
    """Write the file of a compiled forest again, with a changed description or with other entries."""

    def make(
        change: Change = lambda _: None, *, compression: int = zipfile.ZIP_STORED, **entries: bytes | None
    ) -> io.BytesIO:
        source = zipfile.ZipFile(io.BytesIO(written(compiled(save, forest))))
        held = {name: source.read(name) for name in source.namelist()}
        described = json.loads(held["model.json"])
        change(described)
        held["model.json"] = json.dumps(described).encode()
        named = {name.replace("_", "."): content for name, content in entries.items()}
        changed = {**held, **named}
        made = io.BytesIO()
        with zipfile.ZipFile(made, "w", compression) as archive:
            for name, content in changed.items():
                if content is not None:
                    archive.writestr(name, content)
        return made

    return make
