"""Model folders of MLflow, read as data."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from infer_cli.client.row_files import read_rows
from infer_cli.errors import ModelUnreadable
from infer_cli.inspection import find_model, inspect_model
from infer_cli.inspection.files.mlflow import BYTES_MAX, Column, read_mlflow
from tests.inspection.files.mlflow_folders import FLAVORS, REST, SKLEARN, write_mlflow

TABLE = pd.DataFrame(np.random.default_rng(0).normal(size=(30, 2)), columns=["age", "fare"])
MODEL = LogisticRegression().fit(TABLE, TABLE.age > 0)


def test_what_the_folder_tells(tmp_path: Path) -> None:
    """The model file, the signature, the versions and the example are those of the folder."""
    file = write_mlflow(tmp_path, MODEL)
    found = read_mlflow(tmp_path)
    assert found is not None
    assert (found.file, found.flavor, found.python) == (file, "sklearn", "3.11")
    assert found.columns == (
        Column("age", "number", is_required=True),
        Column("fare", "number", is_required=False),
    )
    assert found.packages == {"mlflow": "3.17.2", "numpy": "2.4.6", "scikit-learn": "1.9.1"}
    assert found.examples == tmp_path / "input_example.json"
    assert [row for rows in read_rows(found.examples, batch_rows=10) for row in rows] == [
        {"age": 1.5, "fare": 2.0},
        {"age": 3.0, "fare": None},
    ]


def test_the_folder_is_inspected_as_its_model(tmp_path: Path) -> None:
    """A second file that looks like a model does not matter; the signature says what may be left out."""
    file = write_mlflow(tmp_path, MODEL)
    (tmp_path / "old.pkl").write_bytes(file.read_bytes())
    assert find_model(tmp_path) == file
    features = inspect_model(file).features or ()
    assert [(feature.name, feature.required) for feature in features] == [("age", True), ("fare", False)]


def test_a_signature_that_does_not_fit_is_left_out(tmp_path: Path) -> None:
    """What the model knows of its columns wins."""
    text = FLAVORS + SKLEARN + REST.replace('"name": "age"', '"name": "target"')
    features = inspect_model(write_mlflow(tmp_path, MODEL, text=text)).features or ()
    assert [(feature.name, feature.required) for feature in features] == [("age", True), ("fare", True)]


def test_python_function_alone_is_refused_with_what_to_log(tmp_path: Path) -> None:
    write_mlflow(tmp_path, MODEL, text=FLAVORS + REST)
    with pytest.raises(ModelUnreadable, match="only the flavour python_function") as raised:
        find_model(tmp_path)
    assert "mlflow.sklearn.log_model(model)" in str(raised.value.hint)


def test_another_flavor_is_named(tmp_path: Path) -> None:
    write_mlflow(tmp_path, MODEL, text=FLAVORS + "  pytorch:\n    data: model.pth\n")
    with pytest.raises(ModelUnreadable, match="has the flavour pytorch"):
        find_model(tmp_path)


ALIASES = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 60))
MERGES = "a0: &a0 {x: 1}\n" + "".join(f"a{n}: &a{n} {{<<: [*a{n - 1}, *a{n - 1}]}}\n" for n in range(1, 60))
HOSTILE = {
    "aliases": ALIASES,
    "merges": MERGES,
    "objects": "flavors: !!python/object/apply:os.system ['touch infer-was-here']\n",
    "nesting": "[" * 100_000,
    "size": "a" * (BYTES_MAX + 1),
    "list": "- flavors\n",
    "no flavours": "flavors: sklearn\n",
    "bytes": "\x00\x01",
    "file elsewhere": "flavors:\n  sklearn:\n    pickled_model: ../model.pkl\n",
    "absolute file": "flavors:\n  sklearn:\n    pickled_model: /etc/passwd\n",
    "drive": "flavors:\n  sklearn:\n    pickled_model: 'C:\\model.pkl'\n",
    "link": "flavors:\n  sklearn:\n    pickled_model: link.pkl\n",
    "folder": "flavors:\n  sklearn:\n    pickled_model: .\n",
    "number": "flavors:\n  sklearn:\n    pickled_model: 3\n",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_folder_is_refused(name: str, tmp_path: Path) -> None:
    """Nothing is run, nothing outside of the folder is read, and nothing expands without end."""
    folder = tmp_path / "model"
    write_mlflow(folder, MODEL, text=HOSTILE[name])
    (tmp_path / "model.pkl").write_bytes(b"")
    (folder / "link.pkl").symlink_to(tmp_path / "model.pkl")
    with pytest.raises(ModelUnreadable):
        find_model(folder)
    assert not Path("infer-was-here").exists()
