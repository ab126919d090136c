from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

import pytest
import skops.io

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def save_skops(tmp_path: Path) -> Callable[..., Path]:
    """Save a model with skops, with a change to its schema."""

    def save(model: object, change: Callable[[str], str] = str) -> Path:
        plain, file = tmp_path / "plain.skops", tmp_path / "model.skops"
        skops.io.dump(model, plain)
        with zipfile.ZipFile(plain) as source, zipfile.ZipFile(file, "w") as target:
            for name in source.namelist():
                data = source.read(name)
                target.writestr(name, change(data.decode()) if name == "schema.json" else data)
        return file

    return save
