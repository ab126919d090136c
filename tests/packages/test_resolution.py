from __future__ import annotations

import sys
from dataclasses import replace
from importlib import metadata
from typing import TYPE_CHECKING

import pytest

from infer_cli.assets import find_assets
from infer_cli.image.base import PYTHONS, BaseImage
from infer_cli.inspection import inspect_model
from infer_cli.packages.resolution import Resolution, plan_resolution

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
    resolution = plan_resolution(find_assets(), model, added=("pandas",))

    assert {"numpy", "scipy", "joblib", "pandas"} <= resolution.preferred.keys()
    assert resolution.preferred["scipy"] == metadata.version("scipy")
    assert resolution.pythons[0] == PYTHON
    assert sorted(resolution.pythons) == sorted(PYTHONS)


def test_no_version_is_preferred_for_the_packages_of_the_service(model: Inspection) -> None:
    resolution = plan_resolution(find_assets(), model)

    assert metadata.version("werkzeug")
    assert not {"flask", "werkzeug", "granian"} & resolution.preferred.keys()


@pytest.mark.parametrize("reason", ["not allowed", "no model", "another environment"])
def test_without_an_environment_no_version_is_preferred(reason: str, model: Inspection) -> None:
    other = replace(model, sklearn_version="1.5.2") if reason == "another environment" else model
    resolution = plan_resolution(
        find_assets(), None if reason == "no model" else other, use_environment=reason != "not allowed"
    )

    assert (resolution.environment, resolution.preferred) == (None, {})
    assert resolution.pythons == PYTHONS


def test_a_lock_has_a_version_source_for_each_package(model: Inspection) -> None:
    resolution = replace(
        plan_resolution(find_assets(), model, added=("blinker",)),
        requirements=("blinker", "threadpoolctl", "markupsafe"),
    )

    lock = resolution.resolve(BaseImage("python:3.11-slim", "3.11", "amd64"))

    assert lock.pins["threadpoolctl"] == metadata.version("threadpoolctl")
    assert resolution.version_sources(lock) == {
        "blinker": "--require blinker",
        "markupsafe": "newest that fits",
        "threadpoolctl": "the current environment",
    }


def test_the_newest_version_replaces_a_preferred_one_without_wheels_for_the_image() -> None:
    # markupsafe 2.1.3 has wheels up to Python 3.12.
    resolution = Resolution(("markupsafe",), preferred={"markupsafe": "2.1.3"})
    old, new = (
        resolution.resolve(BaseImage(f"python:{python}-slim", python, "amd64")) for python in ("3.12", "3.13")
    )

    assert old.pins == {"markupsafe": "2.1.3"}
    assert resolution.version_sources(old) == {"markupsafe": "the current environment"}
    assert new.pins["markupsafe"] != "2.1.3"
    assert resolution.version_sources(new) == {"markupsafe": "newest that fits"}
