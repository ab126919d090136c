from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from infer_cli.building.naming import ModelPlace, image_name_for, place_given
from infer_cli.errors import ModelNotFound, UsageError
from infer_cli.image.name import ImageName

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "iris"
    made.mkdir()
    (made / "model.pkl").touch()
    return made


def test_a_file_is_named_by_its_folder_and_itself(folder: Path) -> None:
    place = place_given(folder / "model.pkl", None, None)

    assert place == ModelPlace(folder, "model.pkl", is_file=True)
    assert place.source == str(folder / "model.pkl")
    assert str(place.derived_name) == "iris:latest"


def test_a_folder_may_go_with_a_file_in_it(folder: Path) -> None:
    assert place_given(folder, None, None) == ModelPlace(folder)
    assert place_given(folder, None, "model.pkl") == ModelPlace(folder, "model.pkl")
    assert place_given(None, folder, "model.pkl") == ModelPlace(folder, "model.pkl")
    assert place_given(None, None, None) is None


def test_a_model_that_is_given_twice_is_wrong_usage(folder: Path) -> None:
    with pytest.raises(UsageError, match="the model is given twice"):
        place_given(folder / "model.pkl", folder, None)
    with pytest.raises(UsageError, match="--model-file other needs a folder"):
        place_given(folder / "model.pkl", None, "other")
    with pytest.raises(UsageError, match="--model-file needs --model-dir"):
        place_given(None, None, "model.pkl")


def test_a_model_that_does_not_exist_is_an_error(folder: Path) -> None:
    with pytest.raises(ModelNotFound, match=r"There is no file or folder .*gone\.pkl"):
        place_given(folder / "gone.pkl", None, None)


def test_an_image_is_called_as_wanted_or_after_its_model(folder: Path) -> None:
    wanted = ImageName.parse("mine:v1")

    assert image_name_for(None, wanted, ModelPlace(folder)) == wanted
    assert str(image_name_for(None, None, ModelPlace(folder))) == "iris:latest"
    with pytest.raises(UsageError, match="neither --tag nor a model is given"):
        image_name_for(None, None, None)
