"""A model whose columns invite mistakes, from the proof of its image to files of predictions and back.

It has an encoder that refuses unknown numbers, a boolean column, a column that may be missing, and a feature
with the name of an answer.
"""

from __future__ import annotations

import csv
import pickle
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.conftest import open_to_all

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from infer_cli.engine.connection import Engine
    from tests.conftest import Finished
    from tests.integration.untyped import Estimator, Frame


@pytest.fixture(scope="module")
def odd_table() -> Frame:
    import pandas as pd  # noqa: PLC0415 (slow to import)

    chance = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "code": chance.choice([1.0, 2.0, 7.0, np.nan], 120),
            "member": chance.choice([True, False], 120),
            "prediction": chance.normal(50, 5, 120),
            "size": np.where(chance.random(120) < 0.2, np.nan, chance.normal(size=120)),
        }
    )


@pytest.fixture(scope="module")
def odd_model(odd_table: Frame) -> Estimator:
    from sklearn.compose import make_column_transformer  # noqa: PLC0415 (slow to import)
    from sklearn.impute import SimpleImputer  # noqa: PLC0415
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415
    from sklearn.pipeline import make_pipeline  # noqa: PLC0415
    from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler  # noqa: PLC0415

    columns = make_column_transformer(
        (OneHotEncoder(), ["code"]),
        (OrdinalEncoder(), ["member"]),
        (make_pipeline(SimpleImputer(), StandardScaler()), ["prediction", "size"]),
    )
    labels = np.where((odd_table["code"] == 7) | (odd_table["size"] > 0), "slow", "fast")
    return make_pipeline(columns, LogisticRegression()).fit(odd_table, labels)


@pytest.fixture(scope="module")
def odd_folder(odd_model: Estimator, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("odd") / "data"
    folder.mkdir()
    (folder / "model.pkl").write_bytes(pickle.dumps(odd_model))
    open_to_all(folder)
    return folder


@pytest.fixture(scope="module")
def odd_service(
    engine: Engine, infer: Callable[..., Finished], odd_folder: Path, base_image: str, tag: Callable[[], str]
) -> Iterator[tuple[str, str]]:
    """The name of the image and of a running service of the model; the proof made rows that it takes."""
    image = tag()
    name = f"infer-test-{image.partition('/')[2].partition(':')[0]}"
    built = infer("build", "--tag", image, "--model-dir", str(odd_folder), "--base-image", base_image)
    assert built.exit_code == 0, built.stderr
    assert "20 rows made of what the model knows" in built.stdout
    started = infer("run", image, "--model-dir", str(odd_folder), "-d", "--name", name)
    try:
        assert started.exit_code == 0, started.stderr
        yield image, name
    finally:
        for container in engine.api.containers(all=True, filters={"name": name}):
            engine.api.remove_container(container["Id"], force=True, v=True)


def test_predictions_of_a_file_are_the_models_own_and_prove_the_image_again(
    infer: Callable[..., Finished],
    odd_service: tuple[str, str],
    odd_folder: Path,
    odd_model: Estimator,
    odd_table: Frame,
    base_image: str,
    tmp_path: Path,
) -> None:
    image, name = odd_service
    source, target = tmp_path / "in.csv", tmp_path / "out.csv"
    odd_table.assign(id="007", probability_slow="mine").to_csv(source, index=False)

    predicted = infer("predict", name, "-i", str(source), "-o", str(target))
    again = infer(
        *("build", "--tag", image, "--model-dir", str(odd_folder), "--base-image", base_image),
        *("--examples", str(target)),
    )

    assert predicted.exit_code == 0, predicted.stderr
    assert "the answers called prediction are in the column prediction_2" in predicted.stderr
    with target.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["prediction_2"] for row in rows] == odd_model.predict(odd_table).tolist()
    expected = odd_model.predict_proba(odd_table)[:, 1].tolist()
    assert [float(row["probability_slow_2"]) for row in rows] == pytest.approx(expected)
    assert {(row["id"], row["probability_slow"]) for row in rows} == {("007", "mine")}
    # The user's own column probability_slow is taken for an expected answer, which it is not.
    assert again.exit_code == 1
    assert "expected 'mine'" in again.stderr


@pytest.mark.parametrize("heading", ["Size", "size ", "siez"])
def test_a_near_heading_is_asked_about(
    infer: Callable[..., Finished], odd_service: tuple[str, str], tmp_path: Path, heading: str
) -> None:
    source = tmp_path / "in.csv"
    source.write_text(f"code,member,prediction,{heading}\n7,True,50,1.5\n")

    refused = infer("predict", odd_service[1], "-i", str(source))
    without = infer("predict", odd_service[1], "-i", str(source), "--missing-columns", "size")

    assert refused.exit_code == 1
    assert f"Then rename {heading!r} to 'size'" in refused.stderr
    assert "--missing-columns size" in refused.stderr
    assert without.exit_code == 0, without.stderr
    assert without.stdout.startswith(f"code,member,prediction,{heading},prediction_2,")


def test_examples_with_booleans_as_pandas_writes_them_prove_the_image(
    infer: Callable[..., Finished],
    odd_service: tuple[str, str],
    odd_folder: Path,
    odd_model: Estimator,
    odd_table: Frame,
    base_image: str,
    tmp_path: Path,
) -> None:
    examples = tmp_path / "examples.csv"
    odd_table.assign(prediction_2=odd_model.predict(odd_table)).to_csv(examples, index=False)

    built = infer(
        *("build", "--tag", odd_service[0], "--model-dir", str(odd_folder), "--base-image", base_image),
        *("--examples", str(examples)),
    )

    assert built.exit_code == 0, built.stderr
    assert "60 of 120 rows of examples.csv" in built.stdout
    assert "120 answers as expected" in built.stdout
