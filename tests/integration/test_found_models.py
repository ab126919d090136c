"""Models within archives, dictionaries and folders of MLflow, end to end."""

from __future__ import annotations

import json
import pickle
import tarfile
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from sklearn import __version__ as version
from sklearn.linear_model import LogisticRegression

from tests.conftest import open_to_all
from tests.inspection.files.mlflow_folders import FLAVORS, REST, SKLEARN, write_mlflow

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import Finished

TABLE = pd.DataFrame(np.random.default_rng(0).normal(size=(40, 2)), columns=["age", "fare"])
TARGET = TABLE.age > TABLE.fare
ROW = {"age": 0.5, "fare": 0.4}


def test_a_dictionary_in_an_archive_is_served(
    infer: Callable[..., Finished],
    base_image: str,
    tag: Callable[[], str],
    service_name: str,
    free_port: int,
    tmp_path: Path,
) -> None:
    """The list of columns names the features; `infer run` mounts the model that was unpacked."""
    open_to_all(tmp_path)
    model = LogisticRegression().fit(TABLE.to_numpy(), TARGET)
    held = tmp_path / "model.pkl"
    held.write_bytes(pickle.dumps({"model": model, "columns": ["age", "fare"], "auc": 0.9}))
    archive = tmp_path / "data" / "model.tar.gz"
    archive.parent.mkdir()
    with tarfile.open(archive, "w:gz") as made:
        made.add(held, "model.pkl")
    image, folder_option = tag(), ("--model-dir", str(archive.parent))
    built = infer("build", "--tag", image, *folder_option, "--base-image", base_image)
    started = infer("run", image, *folder_option, "-d", "--name", service_name, "--port", str(free_port))
    predicted = infer("predict", service_name, *(f"{key}={value}" for key, value in ROW.items()), "--json")
    assert built.exit_code == 0, built.stderr
    assert started.exit_code == 0, started.stderr
    assert predicted.exit_code == 0, predicted.stderr
    assert predicted.record["prediction"] == bool(model.predict([list(ROW.values())])[0])


def test_a_folder_of_mlflow_is_proved_with_its_example(
    infer: Callable[..., Finished], base_image: str, tag: Callable[[], str], tmp_path: Path
) -> None:
    """Versions that the folder records and the model does not are preferred."""
    model = LogisticRegression().fit(TABLE, TARGET)
    text = FLAVORS + SKLEARN.replace("1.9.1", version) + REST
    write_mlflow(tmp_path, model, text=text)
    example = {"columns": ["age", "fare"], "data": [[1.5, 2.0]]}
    (tmp_path / "input_example.json").write_text(json.dumps(example))
    (tmp_path / "requirements.txt").write_text(f"scikit-learn=={version}\nnumpy=={np.__version__}\n")
    (tmp_path / "python_env.yaml").write_text("python: 3.11.7\n")
    built = infer("build", "--tag", tag(), "--bake", "--model-dir", str(tmp_path), "--base-image", base_image)
    assert built.exit_code == 0, built.stderr
