"""The explanations of files that cannot be loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from service.errors import ModelUnloadable
from service.loading.model_file import load_model

if TYPE_CHECKING:
    from pathlib import Path


def problem_of(file: Path, *trusted: str) -> str:
    """Give the reason and the advice for a file that cannot be loaded, which are one line."""
    with pytest.raises(ModelUnloadable) as caught:
        load_model(file, trusted)
    text = str(caught.value)
    assert text.startswith(f"cannot load {file}: ")
    assert "\n" not in text
    return text.partition(f"{file}: ")[2]
