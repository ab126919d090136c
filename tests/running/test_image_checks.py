from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from infer_cli.engine.images import ImageFacts
from infer_cli.errors import ModelError, ModelUnreadable, UsageError
from infer_cli.image.name import ImageName
from infer_cli.plan.labels import REQUIREMENTS, SCHEMA_DIGEST, SERVICE
from infer_cli.plan.run import ModelMount
from infer_cli.running.image_checks import check_egress, check_image, check_trust, check_versions
from infer_cli.running.model_mount import mount_found

NAME = ImageName.parse("iris:v1")


def image(labels: dict[str, str], model_file: str = "/data/model.pkl") -> ImageFacts:
    return ImageFacts("sha256:0", ("iris:v1",), 0, "amd64", labels, {"MODEL_FILE": model_file})


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

    check_image(NAME, image({SERVICE: "1"}, model_file), mount)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        pytest.param({}, "the image iris:v1 was not made by infer", id="another's image"),
        pytest.param({SERVICE: "1"}, "the image iris:v1 has no model inside", id="no model"),
    ],
)
def test_an_image_without_service_or_model_is_refused(labels: dict[str, str], message: str) -> None:
    with pytest.raises(UsageError, match=f"^{message}$") as raised:
        check_image(NAME, image(labels, "/data/model.pkl"), None)

    assert str(raised.value.hint).endswith(("`infer build MODEL`", "`infer run iris:v1 --model-dir DIR`"))


def test_an_image_whose_service_leaves_the_way_out_open_needs_the_permission() -> None:
    old = image({SERVICE: "1"})
    new = replace(old, environment={"EGRESS": "0"})

    check_egress(NAME, old, {"EGRESS": "1"})
    check_egress(NAME, new, {})
    with pytest.raises(UsageError, match=r"iris:v1 was made by an older infer"):
        check_egress(NAME, old, {})


def test_a_model_of_the_same_scikit_learn_can_run(iris_folder: Path) -> None:
    mount, inspection = mount_found(iris_folder, None)
    same = image({REQUIREMENTS: f"numpy>=2 scikit-learn=={inspection.sklearn_version}"})

    check_versions(NAME, same, mount, iris_folder)


def test_an_image_that_says_nothing_of_packages_is_not_judged(iris_folder: Path) -> None:
    check_versions(NAME, image({}), mount_found(iris_folder, None)[0], iris_folder)


@pytest.mark.parametrize(
    ("requirements", "message", "hint"),
    [
        pytest.param(
            "numpy==2.0.0 scikit-learn==0.1",
            "was written with scikit-learn .*, and the image iris:v1 has 0.1$",
            "build one that fits: `infer build data/model.pkl --tag iris:v1`",
            id="another version",
        ),
        pytest.param(
            "numpy==2.0.0",
            "needs scikit-learn, and the image iris:v1 has none",
            "leave out --model-dir if a model is inside",
            id="none",
        ),
    ],
)
def test_a_model_of_another_scikit_learn_is_refused(
    iris_folder: Path, requirements: str, message: str, hint: str
) -> None:
    mount, _ = mount_found(iris_folder, None)

    with pytest.raises(ModelError, match=message) as raised:
        check_versions(NAME, image({REQUIREMENTS: requirements}), mount, Path("data"))

    assert str(raised.value.hint).startswith(hint)


def test_a_schema_inside_the_image_tells_the_columns_of_a_model(iris_folder: Path) -> None:
    mount, inspection = mount_found(iris_folder, None)
    silent = replace(mount, inspection=replace(inspection, unknown_entry="own.Area"))

    with pytest.raises(ModelUnreadable, match="does not tell which columns it takes"):
        check_trust(silent, image({SERVICE: "1"}), ())
    assert check_trust(silent, image({SERVICE: "1", SCHEMA_DIGEST: "sha256:0"}), ()) == ()
