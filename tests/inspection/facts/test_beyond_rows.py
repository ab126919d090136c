"""Categories that no row can hold are refused, alike by the inspection and by the service."""

from __future__ import annotations

import pickle
from datetime import UTC
from typing import TYPE_CHECKING, Any

import joblib
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from infer_cli.errors import ModelUnreadable
from infer_cli.inspection import inspect_model
from service.errors import ModelUnloadable
from service.loading.model_file import load_model

if TYPE_CHECKING:
    from pathlib import Path

# Columns of pandas, which has no types.
COLUMNS: dict[str, Any] = {
    "durations": pd.to_timedelta([1, 2, 3, 1, 2, 3], unit="D"),
    "durations as objects": pd.to_timedelta([1, 2, 3, 1, 2, 3], unit="D").astype(object),
    "times of a zone": pd.date_range("2026-01-01", periods=6, tz=UTC),
}


@pytest.mark.parametrize("save", ["pickle", "joblib"])
@pytest.mark.parametrize("name", COLUMNS)
def test_durations_and_zones_are_refused_on_both_sides(name: str, save: str, tmp_path: Path) -> None:
    table = pd.DataFrame({"since": COLUMNS[name]})
    model = make_pipeline(OneHotEncoder(handle_unknown="ignore"), LogisticRegression())
    model.fit(table, [0, 1, 0, 0, 1, 0])
    file = tmp_path / "model.pkl"
    if save == "pickle":
        file.write_bytes(pickle.dumps(model))
    else:
        joblib.dump(model, file)

    with pytest.raises(ModelUnreadable, match="learned durations, or times with a zone") as inspected:
        inspect_model(file)
    with pytest.raises(ModelUnloadable, match="learned durations, or times with a zone") as loaded:
        load_model(file)

    assert str(inspected.value.hint) == f"{loaded.value.advice}."


def test_times_without_a_zone_are_served(tmp_path: Path) -> None:
    table = pd.DataFrame({"since": pd.date_range("2026-01-01", periods=6)})
    model = make_pipeline(OneHotEncoder(handle_unknown="ignore"), LogisticRegression())
    joblib.dump(model.fit(table, [0, 1, 0, 0, 1, 0]), tmp_path / "model.pkl")

    features = inspect_model(tmp_path / "model.pkl").features

    assert features is not None
    assert [one.type for one in features] == ["date"]
    assert [one.type for one in load_model(tmp_path / "model.pkl").model.features] == ["date"]
