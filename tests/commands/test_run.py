from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from infer_cli.commands.run import _check_image, _environment
from infer_cli.engine.images import ImageFacts
from infer_cli.errors import UsageError
from infer_cli.image.name import ImageName
from infer_cli.plan.labels import SERVICE
from infer_cli.plan.run import ModelMount

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.conftest import Finished

NAME = ImageName.parse("iris:v1")


def image(labels: dict[str, str], model_file: str) -> ImageFacts:
    return ImageFacts("sha256:0", ("iris:v1",), 0, "amd64", labels, {"MODEL_FILE": model_file})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param(("Iris",), "'Iris' is not a valid image name", id="wrong tag"),
        pytest.param(("iris", "--restart", "never"), "--restart never is not known", id="unknown restart"),
        pytest.param(("iris", "--pull", "often"), "--pull often is not known", id="unknown pull"),
        pytest.param(("iris", "--restart", "always"), "--restart needs -d", id="restart in the foreground"),
        pytest.param(("iris", "--env", "A"), "--env A is not a setting", id="no value"),
        pytest.param(("iris", "--env", "=1"), "--env =1 is not a setting", id="no name"),
        pytest.param(("iris", "--model-file", "m.pkl"), "--model-file needs --model-dir", id="no folder"),
    ],
)
def test_options_that_contradict_each_other_are_wrong_usage(
    infer: Callable[..., Finished], options: tuple[str, ...], message: str
) -> None:
    finished = infer("run", *options)

    assert finished.exit_code == 2
    assert f"error: {message}" in finished.stderr


@pytest.mark.parametrize(
    ("given", "workers", "expected"),
    [
        pytest.param([], None, {}, id="nothing"),
        pytest.param(["A=1", "B=x=y", "C="], None, {"A": "1", "B": "x=y", "C": ""}, id="settings"),
        pytest.param(["A=1", "A=2"], None, {"A": "2"}, id="the last wins"),
        pytest.param([], 3, {"WORKERS": "3"}, id="workers"),
    ],
)
def test_settings_become_variables(given: list[str], workers: int | None, expected: dict[str, str]) -> None:
    assert _environment(given, workers) == expected


@pytest.mark.parametrize(
    ("model_file", "is_mounted"),
    [
        pytest.param("/opt/infer/model/model.pkl", False, id="a model inside"),
        pytest.param("/data/model.pkl", True, id="a model folder"),
        pytest.param("/opt/infer/model/model.pkl", True, id="both"),
    ],
)
def test_an_image_with_a_model_can_run(*, tmp_path: Path, model_file: str, is_mounted: bool) -> None:
    mount = ModelMount(tmp_path, "model.pkl", "0") if is_mounted else None

    _check_image(NAME, image({SERVICE: "1"}, model_file), mount)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        pytest.param({}, "the image iris:v1 was not made by infer", id="another's image"),
        pytest.param({SERVICE: "1"}, "the image iris:v1 has no model inside", id="no model"),
    ],
)
def test_an_image_without_service_or_model_is_refused(labels: dict[str, str], message: str) -> None:
    with pytest.raises(UsageError, match=f"^{message}$") as raised:
        _check_image(NAME, image(labels, "/data/model.pkl"), None)

    assert "--model-dir DIR" in str(raised.value.hint)
