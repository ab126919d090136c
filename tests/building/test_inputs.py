from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from infer_cli.building.inputs import mount_safe_model, read_own_code
from infer_cli.errors import ModelUnsafe, UsageError

if TYPE_CHECKING:
    from pathlib import Path


def test_own_code_is_trusted_with_the_names_of_the_user(tmp_path: Path) -> None:
    (tmp_path / "helpers.py").touch()

    code, trusted = read_own_code([tmp_path / "helpers.py"], ["other", "another.one"])

    assert code.modules == {"helpers"}
    assert trusted == ("another.one", "helpers", "other")


def test_a_name_that_is_no_module_is_wrong_usage() -> None:
    with pytest.raises(UsageError, match="--trust 1x is not the name of a module"):
        read_own_code([], ["1x"])


def test_without_a_folder_there_is_no_model() -> None:
    assert mount_safe_model(None, None, is_baked=False, trusted=()) is None


def test_a_model_may_use_trusted_names_only(unsafe_folder: Path, iris_folder: Path) -> None:
    mount = mount_safe_model(iris_folder, None, is_baked=False, trusted=())

    assert mount is not None
    assert mount.file == "model.pkl"
    with pytest.raises(ModelUnsafe):
        mount_safe_model(unsafe_folder, None, is_baked=False, trusted=("helpers",))
