from __future__ import annotations

import sys
from dataclasses import replace
from importlib import metadata
from typing import TYPE_CHECKING

import pytest

from infer_cli.assets import find_assets
from infer_cli.image.base import PYTHONS, BaseImage
from infer_cli.inspection import inspect_model
from infer_cli.packages.resolution import Wanted, wanted_packages

if TYPE_CHECKING:
    from pathlib import Path

    from infer_cli.inspection import Inspection

PYTHON = ".".join(map(str, sys.version_info[:2]))


@pytest.fixture
def model(iris_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Inspection:
    """A model that was trained in the current environment."""
    monkeypatch.setenv("VIRTUAL_ENV", sys.prefix)
    return inspect_model(iris_folder / "model.pkl")


def test_the_versions_of_the_environment_are_preferred(model: Inspection) -> None:
    wanted = wanted_packages(find_assets(), model, added=("pandas",))

    assert {"numpy", "scipy", "joblib", "pandas"} <= wanted.preferred.keys()
    assert wanted.preferred["scipy"] == metadata.version("scipy")
    assert wanted.pythons[0] == PYTHON
    assert sorted(wanted.pythons) == sorted(PYTHONS)


def test_what_the_service_needs_for_itself_is_the_newest(model: Inspection) -> None:
    wanted = wanted_packages(find_assets(), model)

    assert metadata.version("werkzeug")
    assert not {"flask", "werkzeug", "granian"} & wanted.preferred.keys()


@pytest.mark.parametrize("reason", ["not wanted", "no model", "another environment"])
def test_without_an_environment_nothing_is_preferred(reason: str, model: Inspection) -> None:
    other = replace(model, sklearn_version="1.5.2") if reason == "another environment" else model
    wanted = wanted_packages(
        find_assets(), None if reason == "no model" else other, use_environment=reason != "not wanted"
    )

    assert (wanted.environment, wanted.preferred) == (None, {})
    assert wanted.pythons == PYTHONS


def test_a_lock_says_where_its_versions_come_from(model: Inspection) -> None:
    wanted = replace(
        wanted_packages(find_assets(), model, added=("blinker",)),
        requirements=("blinker", "threadpoolctl", "markupsafe"),
    )

    lock = wanted.resolve(BaseImage("python:3.11-slim", "3.11", "amd64"))

    assert lock.pins["threadpoolctl"] == metadata.version("threadpoolctl")
    assert wanted.sources(lock) == {
        "blinker": "--require blinker",
        "markupsafe": "newest that fits",
        "threadpoolctl": "the current environment",
    }


def test_a_version_without_wheels_for_the_image_gives_way_to_the_newest() -> None:
    # There are wheels of this version up to Python 3.12.
    wanted = Wanted(("markupsafe",), preferred={"markupsafe": "2.1.3"})
    old, new = (
        wanted.resolve(BaseImage(f"python:{python}-slim", python, "amd64")) for python in ("3.12", "3.13")
    )

    assert old.pins == {"markupsafe": "2.1.3"}
    assert wanted.sources(old) == {"markupsafe": "the current environment"}
    assert new.pins["markupsafe"] != "2.1.3"
    assert wanted.sources(new) == {"markupsafe": "newest that fits"}
