"""Models in the skops and ONNX formats, end to end: the service answers as the model does in Python."""

from __future__ import annotations

import json
import urllib.request
import warnings
from typing import TYPE_CHECKING

import pandas as pd
import pytest

from tests.conftest import FIRST_IRIS, IRIS_COLUMNS, open_to_all

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import Finished
    from tests.integration.untyped import Estimator

FORMATS = ("skops", "onnx")
# ONNX Runtime computes with 32-bit floats.
TOLERANCE = {"skops": 1e-12, "onnx": 1e-6}


@pytest.fixture(scope="module")
def folders(iris_model: Estimator, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Model folders that any user can read, by format."""
    import skl2onnx  # noqa: PLC0415 (slow to import)
    import skops.io  # noqa: PLC0415
    from skl2onnx.common.data_types import FloatTensorType  # noqa: PLC0415

    made = {name: tmp_path_factory.mktemp(name) / "data" for name in FORMATS}
    for folder in made.values():
        folder.mkdir()
        open_to_all(folder)
    skops.io.dump(iris_model, made["skops"] / "model.skops")
    types = [(name, FloatTensorType([None, 1])) for name in IRIS_COLUMNS]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        converted = skl2onnx.to_onnx(iris_model, initial_types=types, target_opset={"": 18, "ai.onnx.ml": 3})
    (made["onnx"] / "model.onnx").write_bytes(converted.SerializeToString())
    return made


@pytest.mark.parametrize("name", FORMATS)
def test_from_file_to_prediction(
    name: str,
    iris_model: Estimator,
    folders: dict[str, Path],
    infer: Callable[..., Finished],
    base_image: str,
    tag: Callable[[], str],
    service_name: str,
    free_port: int,
    tmp_path: Path,
) -> None:
    image, folder = tag(), ("--model-dir", str(folders[name]))

    examples = tmp_path / "examples.csv"
    row = pd.DataFrame([FIRST_IRIS])
    expected = iris_model.predict_proba(row)[0].tolist()
    labels = [f"probability_{label}" for label in iris_model.classes_]
    row.assign(prediction="setosa", **dict(zip(labels, expected, strict=True))).to_csv(examples, index=False)

    built = infer(
        *("build", "--tag", image, *folder, "--base-image", base_image),
        *("--examples", str(examples)),
    )
    started = infer("run", image, *folder, "-d", "--name", service_name, "--port", str(free_port))
    predicted = infer(
        "predict", service_name, *(f"{key}={value}" for key, value in FIRST_IRIS.items()), "--json"
    )

    assert built.exit_code == 0, built.stderr
    assert "4 answers as expected" in built.stdout
    assert started.exit_code == 0, started.stderr
    assert predicted.exit_code == 0, predicted.stderr
    assert predicted.record["prediction"] == "setosa"
    probabilities = list(predicted.record["probabilities"].values())
    assert probabilities == pytest.approx(expected, abs=TOLERANCE[name])
    with urllib.request.urlopen(f"http://127.0.0.1:{free_port}/model") as response:
        described = json.load(response)
    assert [feature["name"] for feature in described["features"]] == IRIS_COLUMNS
    assert described["classes"] == iris_model.classes_.tolist()
    assert described["file"] == f"model.{name}"
    assert {"skops": "skops", "onnx": "onnxruntime"}[name] in described["packages"]


def test_an_image_for_onnx_has_no_scikit_learn(
    folders: dict[str, Path], infer: Callable[..., Finished], base_image: str
) -> None:
    planned = {
        name: infer(
            *("build", "--tag", "x", "--model-dir", str(folder), "--base-image", base_image),
            *("--dry-run", "--json"),
        ).record["requirements"]
        for name, folder in folders.items()
    }

    names = {pin.partition("==")[0] for pin in planned["onnx"]}
    assert {"numpy", "onnxruntime"} < names
    assert not {"scikit-learn", "scipy", "joblib", "pandas"} & names
    assert any(pin.startswith("scikit-learn==") for pin in planned["skops"])


def test_a_skops_model_of_another_scikit_learn_is_refused(
    folders: dict[str, Path], infer: Callable[..., Finished], iris_image: str, tmp_path: Path
) -> None:
    import zipfile  # noqa: PLC0415

    from sklearn import __version__ as version  # noqa: PLC0415

    folder = tmp_path / "data"
    folder.mkdir()
    with (
        zipfile.ZipFile(folders["skops"] / "model.skops") as source,
        zipfile.ZipFile(folder / "model.skops", "w") as target,
    ):
        for member in source.namelist():
            target.writestr(member, source.read(member).replace(version.encode(), b"1.0.2"))

    refused = infer("run", iris_image, "--model-dir", str(folder), "-d")

    assert refused.exit_code == 1
    assert "written with scikit-learn 1.0.2" in refused.stderr
