"""What an inspection tells of a file of any format: the format, and all facts as JSON."""

from __future__ import annotations

import dataclasses
import json
import os
import pickle
from typing import TYPE_CHECKING

import pytest
import sklearn

from infer_cli.errors import ModelUnreadable
from infer_cli.inspection import inspect_model

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from infer_cli.inspection import Inspection


def test_as_dict_holds_everything(
    models: dict[str, object], inspect_bytes: Callable[..., Inspection]
) -> None:
    inspection = inspect_bytes(pickle.dumps(models["pipeline"]))

    shown = json.loads(json.dumps(inspection.as_dict(), allow_nan=False))

    # What the user declares is part of the features already.
    assert set(shown) == {field.name for field in dataclasses.fields(inspection)} - {"declared"}
    assert shown["versions"] == {"scikit-learn": sklearn.__version__}
    assert shown["estimator"]["steps"][0]["class"] == "sklearn.preprocessing._data.StandardScaler"
    assert "sklearn.pipeline.Pipeline" in shown["globals"]


@pytest.mark.parametrize(
    ("beside", "listed"),
    [
        pytest.param({"threshold": 0.3, "classes": ["no", "yes"]}, "threshold, classes", id="data"),
        pytest.param({"columns": ["a", "b", "c", "d"]}, None, id="columns that are used"),
        pytest.param({"scaler": None}, None, id="nothing"),
    ],
)
def test_data_beside_the_model_is_said_not_to_be_used(
    models: dict[str, object],
    inspect_bytes: Callable[..., Inspection],
    beside: dict[str, object],
    listed: str | None,
) -> None:
    inspection = inspect_bytes(pickle.dumps({"model": models["svc"], **beside}))

    expected = f"The service uses model of this file as it is, and not what lies beside it: {listed}."
    assert inspection.notes == (() if listed is None else (expected,))


def test_the_format_is_that_of_the_name(
    models: dict[str, object], inspect_bytes: Callable[..., Inspection]
) -> None:
    data = pickle.dumps(models["svc"])

    assert inspect_bytes(data, "model.joblib").format == "joblib"
    assert inspect_bytes(data, "model.pkl").format == "pickle"


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ModelUnreadable, match="cannot be read: No such file or directory"):
        inspect_model(tmp_path / "model.pkl")


def test_a_folder(tmp_path: Path) -> None:
    with pytest.raises(ModelUnreadable, match="cannot be read: Is a directory"):
        inspect_model(tmp_path)


def test_a_pipe_is_refused_without_waiting_for_a_writer(tmp_path: Path) -> None:
    pipe = tmp_path / "model.pkl"
    os.mkfifo(pipe)

    with pytest.raises(ModelUnreadable, match="is not a file"):
        inspect_model(pipe)
