from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from infer_cli.assets import Assets, find_assets
from infer_cli.errors import ModelUnreadable
from infer_cli.inspection import Global, inspect_model
from infer_cli.inspection.facts.model import RecordedVersion
from infer_cli.packages.requirements import image_requirements

if TYPE_CHECKING:
    from pathlib import Path

    from infer_cli.inspection import Inspection


@pytest.fixture
def assets(tmp_path: Path) -> Assets:
    """A service that needs two packages."""
    (tmp_path / "requirements.txt").write_text("# the server\ngranian==2.8.7\nflask==3.1.3  # pages\n")
    return Assets(template=tmp_path / "none", service=tmp_path)


@pytest.fixture
def model(iris_folder: Path) -> Inspection:
    found = inspect_model(iris_folder / "model.pkl")
    return replace(found, modules=("numpy", "sklearn"), sklearn_version="1.7.2", numpy_major=2)


def test_without_a_model_the_newest_scikit_learn_is_served(assets: Assets) -> None:
    assert image_requirements(assets, None) == ("flask==3.1.3", "granian==2.8.7", "scikit-learn")


def test_a_model_needs_the_version_that_saved_it(assets: Assets, model: Inspection) -> None:
    found = image_requirements(assets, model)

    assert found == ("flask==3.1.3", "granian==2.8.7", "numpy>=2", "scikit-learn==1.7.2")


def test_a_pickle_without_scikit_learn_gets_it_for_joblib(assets: Assets, model: Inspection) -> None:
    other = replace(model, modules=("xgboost",), globals=(), sklearn_version=None, numpy_major=None)

    assert image_requirements(assets, other) == ("flask==3.1.3", "granian==2.8.7", "scikit-learn", "xgboost")


def test_an_onnx_model_needs_no_scikit_learn(assets: Assets, model: Inspection) -> None:
    other = replace(
        model, format="onnx", modules=(), globals=(), versions=(), sklearn_version=None, numpy_major=None
    )

    assert image_requirements(assets, other) == ("flask==3.1.3", "granian==2.8.7", "onnxruntime")


@pytest.mark.parametrize(
    ("recorded", "needed"), [("0.9.0", "skops>=0.9.0"), ("0.9.dev0", "skops"), ("0 ; x", "skops")]
)
def test_a_skops_file_needs_at_least_the_skops_that_wrote_it(
    assets: Assets, model: Inspection, recorded: str, needed: str
) -> None:
    other = replace(model, format="skops", versions=(RecordedVersion("skops", recorded),))

    assert needed in image_requirements(assets, other)


def test_a_model_that_needs_the_users_code_is_refused_without_it(assets: Assets, model: Inspection) -> None:
    names = (Global("mycode.steps", "Cleaner"), Global("sklearn.svm", "SVC"))
    other = replace(model, modules=("mycode", "sklearn"), globals=names)

    with pytest.raises(ModelUnreadable, match=r"belong to no known package: mycode$") as raised:
        image_requirements(assets, other)

    assert raised.value.detail == "what needs them:\n  mycode.steps.Cleaner"
    assert "--code mycode.py" in str(raised.value.hint)


def test_a_model_that_needs_the_users_code_is_accepted_with_it(assets: Assets, model: Inspection) -> None:
    other = replace(model, modules=("mycode", "sklearn"), globals=(Global("mycode.steps", "Cleaner"),))

    assert image_requirements(assets, other, own_modules=frozenset({"mycode"}))


def test_a_class_of_the_training_script_must_move_into_a_module(assets: Assets, model: Inspection) -> None:
    other = replace(model, modules=("__main__", "sklearn"), globals=(Global("__main__", "Cleaner"),))

    with pytest.raises(ModelUnreadable) as raised:
        image_requirements(assets, other)

    assert "move it into a module" in str(raised.value.hint)


def test_the_users_own_requirements_are_included(assets: Assets) -> None:
    assert "pandas>=2" in image_requirements(assets, None, added=("pandas>=2",))


def test_the_service_pins_its_own_packages() -> None:
    service = [entry for entry in image_requirements(find_assets(), None) if entry != "scikit-learn"]

    assert service
    assert all("==" in entry for entry in service)
