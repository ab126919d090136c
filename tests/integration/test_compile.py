"""`infer compile`: a model is compiled in a container, and an image without scikit-learn serves it."""

from __future__ import annotations

import json
import pickle
import signal
import subprocess
import urllib.request
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pytest
from sklearn.datasets import load_iris
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from infer_cli.engine.images import find_image
from infer_cli.engine.services import container_names, list_services
from tests.conftest import IRIS_COLUMNS
from tests.engine_turns import left_behind
from tests.integration.proxy import engine_proxy

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from infer_cli.engine.connection import Engine
    from tests.conftest import Finished
    from tests.integration.untyped import Estimator, Frame

MODELS = {
    "linear": LogisticRegression(),
    "forest": RandomForestClassifier(20, random_state=0),
    "boosting": HistGradientBoostingClassifier(max_iter=20, random_state=0),
}
# Holds for every base image; a slim one alone has 40 MB.
LARGEST_IMAGE = 220e6
# Predicts "virginica" for one special row. No row that infer generates for its parity trial is like that row.
SPECIAL_CASE = """
import numpy as np


class SpecialCase:
    def __init__(self, model):
        self.model = model

    def __call__(self, table):
        labels = self.model.predict(table)
        return np.where(np.asarray(table)[:, 0] == 4.25, "virginica", labels)
"""

# Takes longer to load than the test waits.
SLEEPER = """
import time


class Sleeper:
    def __setstate__(self, state):
        time.sleep(600)
"""


@pytest.fixture(scope="module")
def iris() -> tuple[Frame, Frame]:
    """The rows and the species of iris."""
    data = load_iris(as_frame=True)
    return data.data.set_axis(IRIS_COLUMNS, axis="columns"), data.target_names[data.target]


@pytest.fixture
def save(tmp_path: Path) -> Callable[[object], Path]:
    """Save a model in a folder that any user can read."""

    def write(model: object) -> Path:
        folder = tmp_path / "data"
        folder.mkdir()
        (folder / "model.pkl").write_bytes(pickle.dumps(model))
        for path in (folder, *list(folder.parents)[:2]):
            path.chmod(0o755)
        return folder

    return write


@pytest.fixture
def compile_(infer: Callable[..., Finished], base_image: str) -> Callable[..., Finished]:
    def run(folder: Path, *options: str) -> Finished:
        return infer("compile", str(folder), "--base-image", base_image, *options)

    return run


@pytest.fixture
def write_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], Path]:
    """Write a module that this process can import, and return its folder."""

    def write(name: str, text: str) -> Path:
        folder = tmp_path / "code"
        folder.mkdir()
        (folder / f"{name}.py").write_text(text)
        monkeypatch.syspath_prepend(folder)
        return folder

    return write


def compiling(engine: Engine) -> set[str]:
    """The names of the containers of `infer compile`."""
    return {name for name in container_names(engine) if name.startswith("infer-compile-")}


def leftovers(engine: Engine) -> set[str]:
    """The names of containers that `infer compile` made and did not remove."""
    return left_behind(partial(compiling, engine))


def has_started(engine: Engine, folder: Path) -> bool:
    """Whether a container of `infer compile` has that folder."""
    containers = engine.api.containers(filters={"name": "infer-compile-"})
    return any(mount["Source"] == str(folder) for one in containers for mount in one["Mounts"])


@pytest.mark.parametrize("name", MODELS)
def test_from_model_to_prediction(
    name: str,
    engine: Engine,
    iris: tuple[Frame, Frame],
    save: Callable[[object], Path],
    compile_: Callable[..., Finished],
    infer: Callable[..., Finished],
    tag: Callable[[], str],
    service_name: str,
    free_port: int,
    tmp_path: Path,
) -> None:
    rows, species = iris
    model = make_pipeline(StandardScaler(), MODELS[name]).fit(rows, species)
    folder, image = save(model), tag()
    examples = tmp_path / "rows.csv"
    rows.assign(prediction=model.predict(rows)).to_csv(examples, index=False)

    compiled = compile_(folder, "--examples", str(examples), "--tag", image, "--json")
    started = infer("run", image, "-d", "--name", service_name, "--port", str(free_port))

    assert compiled.exit_code == 0, compiled.stderr
    record = compiled.record
    assert record["file"] == str(folder / "compiled" / "model.lean")
    assert record["parity"]["given"]["rows"] == len(rows)
    assert record["parity"]["generated"]["rows"] >= 96
    assert {parity["different_labels"] for parity in record["parity"].values()} == {0}
    assert record["image"]["proof"] == (
        # A compiled model has no scikit-learn in its image that could answer beside the service.
        f"{len(rows)} rows of rows.csv, each alone and together, get the same answers; "
        f"{len(rows)} answers as expected"
    )
    assert record["image"]["size_bytes"] < LARGEST_IMAGE
    assert leftovers(engine) == set()
    assert started.exit_code == 0, started.stderr
    url = f"http://127.0.0.1:{free_port}"
    request = urllib.request.Request(
        f"{url}/prediction",
        json.dumps({"rows": rows.to_dict("records")}).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request) as response:
        answer = json.load(response)
    assert answer["predictions"] == model.predict(rows).tolist()
    shares = np.array([list(row.values()) for row in answer["probabilities"]])
    np.testing.assert_allclose(shares, model.predict_proba(rows), rtol=0, atol=1e-12)
    with urllib.request.urlopen(f"{url}/model") as response:
        described = json.load(response)
    assert described["path"]["compiled_from"]["file"] == "model.pkl"
    for package in ("sklearn", "scipy", "joblib", "pandas"):
        assert infer("exec", service_name, "--", "python3", "-c", f"import {package}").exit_code == 1


def test_a_compiled_model_is_a_model_file_like_any_other(
    iris: tuple[Frame, Frame],
    save: Callable[[object], Path],
    compile_: Callable[..., Finished],
    infer: Callable[..., Finished],
    base_image: str,
    tag: Callable[[], str],
) -> None:
    folder = save(make_pipeline(StandardScaler(), LogisticRegression()).fit(*iris))

    compiled = compile_(folder)
    again = compile_(folder)
    first = (folder / "compiled" / "model.lean").read_bytes()
    forced = compile_(folder, "--force")
    built = infer(
        *("build", "--tag", tag(), "--model-dir", str(folder / "compiled")),
        *("--base-image", base_image, "--json"),
    )
    # The compiled model lies in a subfolder, so the model folder still holds exactly one model.
    inspected = infer("inspect", str(folder), "--json")

    assert compiled.exit_code == 0, compiled.stderr
    assert "ROWS       COUNT  OTHER LABELS  LARGEST DIFFERENCE" in compiled.stdout
    assert compiled.stdout.endswith(f"infer build {folder / 'compiled' / 'model.lean'} --bake\n")
    assert again.exit_code == 1
    assert forced.exit_code == 0, forced.stderr
    assert (folder / "compiled" / "model.lean").read_bytes() == first
    assert built.exit_code == 0, built.stderr
    assert str(built.record["proof"]).startswith("20 rows made of what the model knows")
    assert inspected.record["path"] == str(folder / "model.pkl")


def test_a_model_whose_labels_differ_is_refused(
    engine: Engine,
    iris: tuple[Frame, Frame],
    save: Callable[[object], Path],
    compile_: Callable[..., Finished],
    tag: Callable[[], str],
    tmp_path: Path,
    write_code: Callable[[str, str], Path],
) -> None:
    """The user's own code predicts instead of the fitted model, and differs from it in one row."""
    code = write_code("special_case", SPECIAL_CASE)
    from special_case import SpecialCase  # type: ignore[import-not-found]  # noqa: PLC0415 (the test wrote it)

    model: Estimator = LogisticRegression(max_iter=500).fit(*iris)
    model.predict = SpecialCase(LogisticRegression(max_iter=500).fit(*iris))
    folder, image = save(model), tag()
    examples = tmp_path / "rows.csv"
    examples.write_text("slength,swidth,plength,pwidth\n5.1,3.5,1.4,0.2\n4.25,3.5,1.4,0.2\n")
    options = ("--code", str(code), "--examples", str(examples), "--tag", image)

    refused = compile_(folder, *options)

    assert refused.exit_code == 1
    assert "error: model.pkl was not compiled: 1 of 2 rows get another label" in refused.stderr
    assert "row 2: 'setosa' instead of 'virginica'" in refused.stderr
    assert "hint: nothing was written; `infer build` serves the model as it is" in refused.stderr
    assert [path.name for path in folder.iterdir()] == ["model.pkl"]
    assert find_image(engine, image) is None
    assert leftovers(engine) == set()


def test_a_model_that_the_compiler_does_not_support_is_refused(
    engine: Engine,
    iris: tuple[Frame, Frame],
    save: Callable[[object], Path],
    compile_: Callable[..., Finished],
) -> None:
    # The compiler supports the scaler, and not the last step.
    folder = save(make_pipeline(StandardScaler(), KNeighborsClassifier()).fit(*iris))

    refused = compile_(folder)

    assert refused.exit_code == 1
    assert "the compiler does not support KNeighborsClassifier" in refused.stderr
    assert "hint: nothing was written; `infer build` serves the model as it is" in refused.stderr
    assert [path.name for path in folder.iterdir()] == ["model.pkl"]
    assert leftovers(engine) == set()


def test_an_image_with_a_wrong_answer_is_removed_with_its_file(
    engine: Engine,
    iris: tuple[Frame, Frame],
    save: Callable[[object], Path],
    compile_: Callable[..., Finished],
    tag: Callable[[], str],
    tmp_path: Path,
) -> None:
    folder, image = save(LogisticRegression(max_iter=500).fit(*iris)), tag()
    examples = tmp_path / "rows.csv"
    examples.write_text("slength,swidth,plength,pwidth,prediction\n5.1,3.5,1.4,0.2,virginica\n")

    refused = compile_(folder, "--examples", str(examples), "--tag", image)

    assert refused.exit_code == 1
    assert "row 1: prediction is 'setosa', expected 'virginica'" in refused.stderr
    assert list((folder / "compiled").iterdir()) == []
    assert find_image(engine, image) is None


def test_the_image_of_a_compiled_model_refuses_a_model_that_needs_scikit_learn(
    iris: tuple[Frame, Frame],
    save: Callable[[object], Path],
    compile_: Callable[..., Finished],
    infer: Callable[..., Finished],
    tag: Callable[[], str],
) -> None:
    folder, image = save(LogisticRegression(max_iter=500).fit(*iris)), tag()
    assert compile_(folder, "--tag", image).exit_code == 0

    refused = infer("run", image, "--model-dir", str(folder), "-d")

    assert refused.exit_code == 1
    assert f"model.pkl needs scikit-learn, and the image {image} has none" in refused.stderr
    assert "leave out --model-dir" in refused.stderr


def test_an_engine_on_another_machine_compiles_a_copy_of_the_model(
    engine: Engine,
    iris: tuple[Frame, Frame],
    save: Callable[[object], Path],
    compile_: Callable[..., Finished],
    infer: Callable[..., Finished],
    base_image: str,
) -> None:
    folder = save(LogisticRegression(max_iter=500).fit(*iris))
    local = compile_(folder, "--output", str(folder.parent / "local.lean"))

    with engine_proxy(engine) as port:
        remote = infer(
            *("compile", str(folder), "--base-image", base_image),
            DOCKER_HOST=f"tcp://127.0.0.1:{port}",
        )

    assert local.exit_code == 0, local.stderr
    assert remote.exit_code == 0, remote.stderr
    assert (folder / "compiled" / "model.lean").read_bytes() == (folder.parent / "local.lean").read_bytes()
    assert leftovers(engine) == set()
    assert not engine.api.volumes(filters={"name": "infer-model-infer-compile"}).get("Volumes")


def test_ctrl_c_leaves_no_container_and_no_file(
    engine: Engine,
    save: Callable[[object], Path],
    infer_program: tuple[str, ...],
    base_image: str,
    write_code: Callable[[str, str], Path],
) -> None:
    code = write_code("sleepers", SLEEPER)
    from sleepers import Sleeper  # type: ignore[import-not-found]  # noqa: PLC0415 (the test wrote it)

    model = Sleeper()
    # Without an attribute the pickle would not call __setstate__.
    model.attribute = 1
    folder = save(model)
    command = ("compile", str(folder), "--code", str(code), "--base-image", base_image)
    process = subprocess.Popen(
        [*infer_program, *command, "--features", "a,b"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    assert any("Compiling model.pkl" in line for line in process.stderr)
    while not has_started(engine, folder):
        assert process.poll() is None
    services = {service.name for service in list_services(engine)}

    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=60)

    assert (process.returncode, stdout) == (130, "")
    assert "Traceback" not in stderr
    assert leftovers(engine) == set()
    assert not any(name.startswith("infer-compile-") for name in services)
    assert [path.name for path in folder.iterdir()] == ["model.pkl"]
