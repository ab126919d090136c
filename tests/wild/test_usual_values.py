"""The usual values that boosters of other libraries tell, from the model and from the file of its library."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import joblib
import numpy as np
import pytest
from sklearn.datasets import load_iris

from service.loading.model_file import load_model

if TYPE_CHECKING:
    from pathlib import Path

TABLE, KINDS = load_iris(return_X_y=True)
ENDS = [(column.min(), column.max()) for column in TABLE.T]


def _fitted(library: str, **options: Any) -> Any:
    module = pytest.importorskip(library)
    name = {"lightgbm": "LGBMClassifier", "xgboost": "XGBClassifier", "catboost": "CatBoostClassifier"}[
        library
    ]
    return getattr(module, name)(n_estimators=20, **options).fit(TABLE, KINDS)


def _ranges(file: Path) -> list[tuple[float, float, str]]:
    usual = load_model(file).model.usual
    return [told.range for told in usual.values() if told.range is not None]


@pytest.mark.filterwarnings("ignore")
def test_lightgbm_keeps_the_bounds_of_its_training_data(tmp_path: Path) -> None:
    model = _fitted("lightgbm", verbose=-1)
    joblib.dump(model, tmp_path / "model.joblib")
    model.booster_.save_model(tmp_path / "model.txt")

    for name in ("model.joblib", "model.txt"):
        assert _ranges(tmp_path / name) == [(*map(pytest.approx, ends), "bounds") for ends in ENDS]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("library", "options"),
    [("xgboost", {}), ("catboost", {"verbose": 0, "allow_writing_files": False})],
)
def test_others_keep_thresholds(library: str, options: dict[str, Any], tmp_path: Path) -> None:
    joblib.dump(_fitted(library, **options), tmp_path / "model.joblib")

    found = _ranges(tmp_path / "model.joblib")

    assert [source for _, _, source in found] == ["thresholds"] * 4
    for (low, high, _), column in zip(found, TABLE.T, strict=True):
        assert np.mean((column >= low) & (column <= high)) > 0.4
