"""Files with changed bytes are refused by the inspection with advice."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from infer_cli.errors import ModelError
from infer_cli.inspection import inspect_model
from tests.service.loading.test_damaged_files import CHANGES, WRITERS, changed

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("name", list(WRITERS))
def test_each_refusal_of_a_damaged_file_says_what_to_do(name: str, tmp_path: Path) -> None:
    file = tmp_path / name
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(*load_iris(return_X_y=True))
    WRITERS[name](model, file)
    content = file.read_bytes()
    chance = random.Random(12)  # noqa: S311 (nothing is secret)

    refused = without_hint = 0
    for _ in range(CHANGES):
        file.write_bytes(changed(content, chance) or b"x")
        try:
            inspect_model(file)
        except ModelError as error:
            refused += 1
            without_hint += not error.hint

    assert refused
    assert without_hint == 0
