"""`infer up`, `restart` and `run --replace`: from a model file to a service, and again after a change."""

from __future__ import annotations

import json
import pickle
import re
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest
from sklearn.base import clone

from infer_cli.engine.images import find_image, remove_image

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from infer_cli.engine.connection import Engine
    from tests.conftest import Finished


@pytest.fixture
def model_file(tmp_path: Path, iris_folder: Path, service_name: str) -> Path:
    """A model file in a folder whose name becomes that of the service."""
    folder = tmp_path / service_name
    folder.mkdir()
    file = folder / "model.pkl"
    file.write_bytes((iris_folder / "model.pkl").read_bytes())
    return file


@pytest.fixture(autouse=True)
def _no_image_is_left(engine: Engine, service_name: str) -> Iterator[None]:
    yield
    name = f"{service_name}:latest"
    if find_image(engine, name):
        engine.api.remove_image(name, force=True)


@pytest.fixture
def up(infer: Callable[..., Finished], base_image: str) -> Callable[..., Finished]:
    def run(*words: str) -> Finished:
        return infer("up", *words, "--base-image", base_image)

    return run


@pytest.fixture
def own_code(tmp_path: Path, service_name: str) -> tuple[str, str]:
    """An option with which no image that is there already fits: code that no other model has."""
    code = tmp_path / "only_here.py"
    code.write_text(f"NAME = {service_name!r}\n")
    return "--code", str(code)


def _train(file: Path, model: Any, strength: float) -> None:
    """Write another model, with the same needs, over the file."""
    from sklearn.datasets import load_iris  # noqa: PLC0415 (slow to import)

    iris = load_iris(as_frame=True)
    other = clone(model).set_params(logisticregression__C=strength)
    measures = iris.data.set_axis(model.feature_names_in_, axis="columns")
    file.write_bytes(pickle.dumps(other.fit(measures, iris.target_names[iris.target])))


def _ask(text: str) -> dict[str, Any]:
    """The answer to the curl line in what a command printed."""
    found = re.search(r"curl '(\S+)'", text)
    assert found, text
    with urllib.request.urlopen(found[1], timeout=30) as answer:
        answered: dict[str, Any] = json.loads(answer.read())
    return answered


def _labels(engine: Engine, name: str) -> tuple[str, str]:
    """The id of a service's container and the digest of its model."""
    raw = engine.api.inspect_container(name)
    return raw["Id"], raw["Config"]["Labels"]["infer.model.digest"]


def test_a_bare_file_becomes_a_service_that_answers_and_follows_the_file(
    engine: Engine,
    up: Callable[..., Finished],
    model_file: Path,
    iris_model: Any,
    service_name: str,
    own_code: tuple[str, str],
) -> None:
    first = up(str(model_file), *own_code)

    assert first.exit_code == 0, first.stderr
    assert first.stdout.startswith(f"Built {service_name}:latest (")
    assert f"{service_name} is ready at http://localhost:" in first.stdout
    assert "Step " not in first.stderr
    before = _ask(first.stdout)
    container = _labels(engine, service_name)

    again = up(str(model_file.parent), *own_code)

    assert f"{service_name} is running already, unchanged, at " in again.stdout
    assert _ask(again.stdout) == before
    assert _labels(engine, service_name) == container

    _train(model_file, iris_model, 0.01)
    changed = up(str(model_file), *own_code, "--json")

    assert changed.exit_code == 0, changed.stderr
    assert (changed.record["outcome"], changed.record["name"]) == ("replaced", service_name)
    assert "built" not in changed.record
    assert changed.record["url"] in again.stdout
    assert _labels(engine, service_name)[1] != container[1]
    assert _ask(f"curl '{changed.record['example']}'")["probabilities"] != before["probabilities"]


def test_a_service_stays_if_the_changed_one_cannot_take_its_place(
    engine: Engine,
    infer: Callable[..., Finished],
    up: Callable[..., Finished],
    iris_image: str,
    model_file: Path,
    iris_model: Any,
    service_name: str,
    free_port: int,
) -> None:
    options = ("--model-dir", str(model_file.parent), "-d", "--name", service_name)
    # It does not serve the changed file by itself.
    started = infer("run", iris_image, *options, "--port", str(free_port), "--env", "RELOAD=0")
    assert started.exit_code == 0, started.stderr
    before, container = _ask(started.stdout), _labels(engine, service_name)

    _train(model_file, iris_model, 0.01)
    twice = infer("run", iris_image, *options)
    broken = infer("run", iris_image, *options, "--replace", "--env", "WORKERS=none")
    other = up(str(model_file), "--name", service_name, "--env", "WORKERS=none")

    assert "--replace" in twice.stderr.splitlines()[-1]
    assert f"the new service {service_name} ended while starting" in broken.stderr
    assert (twice.exit_code, broken.exit_code, other.exit_code) == (1, 1, 1)
    assert _labels(engine, service_name) == container
    assert _ask(started.stdout) == before

    restarted = infer("restart", service_name, "--json")

    assert restarted.exit_code == 0, restarted.stderr
    assert restarted.record["replaced"] is True
    assert restarted.record["url"] == f"http://localhost:{free_port}"
    assert _labels(engine, service_name)[1] != container[1]

    # Nothing has changed now: the same container starts again.
    same = infer("restart", service_name, "--json").record
    assert (same["replaced"], same["id"]) == (False, restarted.record["id"])

    model_file.write_bytes(b"no model")
    refused = infer("restart", service_name)
    assert refused.exit_code == 1
    assert _labels(engine, service_name)[0] == restarted.record["id"]
    assert _ask(f"curl '{restarted.record['example']}'")["prediction"]


def test_an_image_with_the_model_inside_can_be_brought_up(
    infer: Callable[..., Finished],
    iris_folder: Path,
    base_image: str,
    tag: Callable[[], str],
    service_name: str,
) -> None:
    name = tag()
    built = infer("build", str(iris_folder), "--tag", name, "--bake", "--base-image", base_image)
    assert built.exit_code == 0, built.stderr

    first = infer("up", name, "--name", service_name)
    again = infer("up", name, "--name", service_name)

    assert first.exit_code == 0, first.stderr
    assert _ask(first.stdout)["prediction"]
    assert f"{service_name} is running already, unchanged," in again.stdout


def test_a_push_may_go_to_another_name(
    infer: Callable[..., Finished], engine: Engine, iris_image: str, start_registry: Callable[..., Any]
) -> None:
    target = f"{start_registry().host}/team/iris"

    pushed = infer("push", iris_image, "--to", target, "--json")

    remove_image(engine, f"{target}:v1")
    assert pushed.exit_code == 0, pushed.stderr
    assert pushed.record["tag"] == f"{target}:v1"
