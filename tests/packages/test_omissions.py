from __future__ import annotations

import pytest

from infer_cli.image.base import BaseImage
from infer_cli.packages.lock import resolve_lock
from infer_cli.packages.omissions import name_of, overrides, stand_in, with_stand_ins, without_gpu

NEVER = "sys_platform == 'never'"
BASE = BaseImage("python:3.11-slim", "3.11", "amd64")


@pytest.mark.parametrize(
    ("requirement", "name"),
    [
        ("scikit_learn==1.7.2", "scikit-learn"),
        ("Zope.Interface>=5", "zope-interface"),
        ("pandas[parquet] ; python_version < '3.12'", "pandas"),
        ("", ""),
        ("=mine", ""),
    ],
)
def test_a_requirement_is_for_a_package(requirement: str, name: str) -> None:
    assert name_of(requirement) == name


@pytest.mark.parametrize(
    ("requirements", "expected"),
    [
        pytest.param(("numpy", "xgboost"), ("numpy", "xgboost-cpu"), id="any version"),
        pytest.param(("xgboost==3.2.0",), ("xgboost-cpu==3.2.0",), id="a version that there is"),
        pytest.param(("xgboost==2.1.1",), ("xgboost-cpu==2.1.1",), id="the first"),
        pytest.param(("xgboost==2.1.0",), ("xgboost==2.1.0",), id="one before it"),
        pytest.param(("xgboost==1.7",), ("xgboost==1.7",), id="an old one"),
        pytest.param(("xgboost", "xgboost<2"), ("xgboost", "xgboost<2"), id="the user wants another"),
        pytest.param(("xgboost-cpu",), ("xgboost-cpu",), id="it already"),
    ],
)
def test_xgboost_is_taken_without_its_code_for_gpus(
    requirements: tuple[str, ...], expected: tuple[str, ...]
) -> None:
    assert without_gpu(requirements) == expected


@pytest.mark.parametrize(
    ("requirements", "left_out"),
    [
        pytest.param(("lightgbm", "numpy"), (), id="nothing"),
        pytest.param(("catboost",), ("graphviz", "matplotlib", "plotly"), id="what only draws"),
        pytest.param(("catboost==1.2.10", "Plotly>=5"), ("graphviz", "matplotlib"), id="asked for"),
        pytest.param(("xgboost==1.7.6",), ("nvidia-nccl-cu12", "nvidia-nccl-cu13"), id="what joins GPUs"),
        pytest.param(("xgboost-cpu",), ("xgboost",), id="the same module twice"),
    ],
)
def test_what_is_asked_for_in_vain_is_left_out(
    requirements: tuple[str, ...], left_out: tuple[str, ...]
) -> None:
    assert overrides(requirements) == tuple(f"{name} ; {NEVER}" for name in left_out)


def test_two_packages_may_bring_the_same_module() -> None:
    assert (stand_in("xgboost"), stand_in("xgboost-cpu"), stand_in("numpy")) == (
        "xgboost-cpu",
        "xgboost",
        None,
    )
    assert with_stand_ins({"xgboost": 1, "numpy": 2}) == {"xgboost": 1, "xgboost-cpu": 1, "numpy": 2}
    assert with_stand_ins({"xgboost": 1, "xgboost-cpu": 2}) == {"xgboost": 1, "xgboost-cpu": 2}


def test_a_lock_lacks_what_is_asked_for_in_vain() -> None:
    lock = resolve_lock(("catboost==1.2.10",), BASE)

    assert {"catboost", "numpy", "pandas", "scipy"} <= lock.pins.keys()
    assert not {"graphviz", "matplotlib", "plotly", "pillow"} & lock.pins.keys()
