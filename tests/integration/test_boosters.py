"""Models of XGBoost and LightGBM, trained in an environment of their own, whose versions the image gets.

And files that the libraries themselves wrote, with the answers that they gave.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from uv import find_uv_bin

from infer_cli.plan import labels
from tests.conftest import open_to_all

if TYPE_CHECKING:
    from collections.abc import Callable

    from infer_cli.engine.connection import Engine
    from tests.conftest import Finished

# Older versions than the newest, so that the source of each version in the image is visible.
XGBOOST, LIGHTGBM, SCIPY = "3.1.3", "4.6.0", "1.16.2"
BOOSTERS = Path(__file__).parents[1] / "golden" / "boosters"
_TRAIN = """
import json, pathlib, pickle, sys
import numpy as np, pandas as pd
from lightgbm import LGBMClassifier
from sklearn.compose import make_column_transformer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from xgboost import XGBClassifier

random = np.random.default_rng(0)
frame = pd.DataFrame({
    "age": np.where(np.arange(90) % 7 == 3, np.nan, random.normal(40, 9, 90).round(2)),
    "income": random.integers(1000, 9000, 90),
    "town": np.resize(np.array(["Köln", "New York", "A & B"], dtype=object), 90),
})
target = (frame["income"] + 1000 * (frame["town"] == "Köln") > 5000).to_numpy()
pipeline = make_pipeline(
    make_column_transformer((OneHotEncoder(), ["town"]), remainder="passthrough"),
    XGBClassifier(n_estimators=5),
)
tables = {"xgboost": frame, "lightgbm": frame.astype({"town": "category"})}
models = {"xgboost": pipeline, "lightgbm": LGBMClassifier(n_estimators=5, verbose=-1)}
for name, model in models.items():
    table = tables[name]
    model.fit(table, target.astype(int))
    folder = pathlib.Path(sys.argv[1], name)
    folder.mkdir()
    (folder / "model.pkl").write_bytes(pickle.dumps(model))
    answers = frame.assign(prediction=model.predict(table))
    for at, label in enumerate(model.classes_.tolist()):
        answers[f"probability_{label}"] = model.predict_proba(table)[:, at]
    answers.to_json(f"{sys.argv[1]}/{name}.jsonl", orient="records", lines=True, double_precision=15)
"""
_MAPPED = """
import json
import sklearn.tree, lightgbm
files = {line.split()[-1] for line in open("/proc/self/maps") if "libgomp" in line}
print(json.dumps(sorted(files)))
"""


@pytest.fixture(scope="module")
def training(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a training environment, the models trained in it, and their answers there."""
    folder = tmp_path_factory.mktemp("boosters")
    uv, environment = find_uv_bin(), folder / "env"
    packages = (
        f"xgboost-cpu=={XGBOOST}",
        f"lightgbm=={LIGHTGBM}",
        f"scipy=={SCIPY}",
        "scikit-learn",
        "pandas",
    )
    for command in (
        (uv, "venv", "--quiet", "--python", sys.executable, environment),
        (uv, "pip", "install", "--quiet", "--only-binary", ":all:", "--python", environment, *packages),
        (environment / "bin" / "python", "-W", "ignore", "-c", _TRAIN, folder),
    ):
        subprocess.run(command, check=True)
    for path in (folder, *list(folder.parents)[:2]):
        path.chmod(0o755)
    return folder


@pytest.fixture(scope="module")
def build(
    infer: Callable[..., Finished], training: Path, base_image: str, tag: Callable[[], str]
) -> Callable[[str], str]:
    """Build an image for a model, verified against the answers in the training environment."""

    def run(name: str) -> str:
        image = tag()
        options = ("--model-dir", str(training / name), "--base-image", base_image)
        examples = ("--examples", str(training / f"{name}.jsonl"))
        built = infer(
            "build", "--tag", image, *options, *examples, "--json", VIRTUAL_ENV=str(training / "env")
        )
        assert built.exit_code == 0, built.stderr
        assert built.record["proof"] == (
            f"90 rows of {name}.jsonl, each alone and together, agree with the model's own answers; "
            "270 answers as expected"
        )
        return image

    return run


def packages_of(engine: Engine, image: str) -> dict[str, str]:
    config = engine.api.inspect_image(image)["Config"]  # type: ignore[no-untyped-call]
    return dict(pin.split("==") for pin in config["Labels"][labels.REQUIREMENTS].split())


def test_xgboost_answers_as_in_training_without_packages_for_gpus(
    engine: Engine, build: Callable[[str], str]
) -> None:
    packages = packages_of(engine, build("xgboost"))

    assert (packages["xgboost-cpu"], packages["scipy"]) == (XGBOOST, SCIPY)
    assert not {"xgboost", "nvidia-nccl-cu12", "nvidia-nccl-cu13"} & packages.keys()


def test_lightgbm_answers_as_in_training_with_the_openmp_library_of_scikit_learn(
    engine: Engine, build: Callable[[str], str]
) -> None:
    image = build("lightgbm")
    container = engine.api.create_container(image, ["python3", "-c", _MAPPED])
    try:
        engine.api.start(container)
        engine.api.wait(container)
        mapped = json.loads(engine.api.logs(container, stderr=False))
    finally:
        engine.api.remove_container(container, force=True)

    assert packages_of(engine, image)["lightgbm"] == LIGHTGBM
    assert len(mapped) == 1
    assert mapped[0].startswith("/opt/infer/packages/scikit_learn.libs/libgomp-")


@pytest.mark.parametrize("name", ["xgboost.ubj", "lightgbm.txt", "catboost.cbm"])
def test_a_file_of_the_library_itself_answers_as_the_library_did(
    infer: Callable[..., Finished],
    engine: Engine,
    tmp_path: Path,
    base_image: str,
    tag: Callable[[], str],
    name: str,
) -> None:
    """The file in the folder is found, and gets labels where it has none of its own."""
    wanted = json.loads((BOOSTERS / "answers.json").read_text())[name]
    labels = {0: "no", 1: "yes"}
    rows = [
        {**row, "prediction": labels.get(label, label), "probability_no": first, "probability_yes": second}
        for row, label, (first, second) in zip(
            wanted["rows"], wanted["predictions"], wanted["probabilities"], strict=True
        )
    ]
    examples, folder = tmp_path / "rows.jsonl", tmp_path / "model"
    examples.write_text("\n".join(map(json.dumps, rows)))
    folder.mkdir()
    shutil.copy(BOOSTERS / name, folder)
    open_to_all(folder)
    declared = () if name.startswith("catboost") else ("--classes", "no,yes")
    image = tag()

    options = ("--model-dir", str(folder), "--base-image", base_image, "--examples", str(examples))
    built = infer("build", "--tag", image, *options, *declared, "--no-environment", "--json")

    assert built.exit_code == 0, built.stderr
    # CatBoost itself loads its file again; the others are read by the service, which has no second reader.
    agree = "agree with the model's own answers" if name.startswith("catboost") else "get the same answers"
    assert built.record["proof"] == (
        f"12 rows of rows.jsonl, each alone and together, {agree}; 36 answers as expected"
    )
    packages = packages_of(engine, image)
    assert ("scikit-learn" in packages) == name.startswith("lightgbm")
    assert ("pandas" in packages) == name.startswith("catboost")


def test_inspect_shows_the_source_of_each_version(infer: Callable[..., Finished], training: Path) -> None:
    def versions(name: str, **environment: str) -> dict[str, tuple[str | None, str]]:
        record = infer("inspect", str(training / name), "--json", **environment).record
        return {need["package"]: (need["version"], need["source"]) for need in record["needs"]}

    here = versions("lightgbm", VIRTUAL_ENV=str(training / "env"))
    elsewhere = versions("lightgbm", VIRTUAL_ENV=str(training))

    assert here["lightgbm"] == (LIGHTGBM, "the current environment")
    assert elsewhere["lightgbm"] == (None, "newest that fits")
    assert versions("xgboost")["xgboost"] == (XGBOOST, "recorded in the file")
