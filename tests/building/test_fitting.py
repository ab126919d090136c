"""The digest of what decides an image's content changes with that, and with nothing else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import pytest

from infer_cli.assets import find_assets
from infer_cli.building.fitting import inputs_digest
from infer_cli.building.request import BuildRequest
from infer_cli.image.name import ImageName
from infer_cli.inspection import Declared, inspect_model
from infer_cli.packages.resolution import Resolution
from infer_cli.plan.own_code import OwnCode

if TYPE_CHECKING:
    from collections.abc import Callable

_RESOLUTION = Resolution(("numpy>=2", "scikit-learn==1.9.1"))


def _digest(request: BuildRequest, resolution: Resolution = _RESOLUTION, machine: str = "x86_64") -> str:
    return inputs_digest(request, resolution, find_assets(), machine)


@pytest.fixture
def request_(iris_folder: Path) -> BuildRequest:
    model = inspect_model(iris_folder / "model.pkl")
    return BuildRequest(ImageName.parse("iris"), model=model, base_image="python:3.11-slim")


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda request: replace(request, name=ImageName.parse("other:v2")), id="name"),
        pytest.param(lambda request: replace(request, no_cache=True), id="no cache"),
        pytest.param(
            lambda request: replace(request, model=replace(request.model, sha256="0" * 64)), id="model"
        ),
    ],
)
def test_images_that_hold_the_same_have_the_same_digest(
    request_: BuildRequest, change: Callable[[BuildRequest], BuildRequest]
) -> None:
    assert _digest(change(request_)) == _digest(request_)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda request: replace(request, base_image="python:3.12-slim"), id="base image"),
        pytest.param(lambda request: replace(request, python="3.12"), id="Python"),
        pytest.param(lambda request: replace(request, trusted=("helpers",)), id="trust"),
        pytest.param(lambda request: replace(request, added_requirements=("pandas",)), id="package"),
        pytest.param(
            lambda request: replace(
                request, code=OwnCode(((PurePosixPath("own.py"), Path(__file__)),), frozenset({"own"}))
            ),
            id="code",
        ),
        pytest.param(
            lambda request: replace(
                request, model=replace(request.model, declared=Declared(optional=("slength",)))
            ),
            id="schema",
        ),
        pytest.param(lambda request: replace(request, bake=True), id="bake"),
    ],
)
def test_images_that_hold_something_else_have_another_digest(
    request_: BuildRequest, change: Callable[[BuildRequest], BuildRequest]
) -> None:
    assert _digest(change(request_)) != _digest(request_)


def test_a_model_counts_if_it_is_inside(request_: BuildRequest) -> None:
    baked = replace(request_, bake=True)
    assert baked.model is not None

    assert _digest(replace(baked, model=replace(baked.model, sha256="0" * 64))) != _digest(baked)


def test_packages_and_processor_count(request_: BuildRequest) -> None:
    others = (
        _digest(request_, replace(_RESOLUTION, requirements=("numpy>=2",))),
        _digest(request_, replace(_RESOLUTION, preferred={"numpy": "2.1"})),
        _digest(request_, machine="aarch64"),
    )

    assert len({_digest(request_), *others}) == 4
