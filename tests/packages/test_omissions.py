from __future__ import annotations

import pytest

from infer_cli.image.base import BaseImage
from infer_cli.packages.lock import resolve_lock
from infer_cli.packages.omissions import (
    drop_in_replacement,
    omission_overrides,
    package_name,
    with_drop_in_replacements,
    without_gpu_code,
)

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
def test_the_package_of_a_requirement_is_normalised(requirement: str, name: str) -> None:
    assert package_name(requirement) == name


@pytest.mark.parametrize(
    ("requirements", "expected"),
    [
        pytest.param(("numpy", "xgboost"), ("numpy", "xgboost-cpu"), id="any version"),
        pytest.param(
            ("xgboost==3.2.0",), ("xgboost-cpu==3.2.0",), id="a version with a release of xgboost-cpu"
        ),
        pytest.param(("xgboost==2.1.1",), ("xgboost-cpu==2.1.1",), id="the first release"),
        pytest.param(("xgboost==2.1.0",), ("xgboost==2.1.0",), id="the version before the first release"),
        pytest.param(("xgboost==1.7",), ("xgboost==1.7",), id="an old version"),
        pytest.param(
            ("xgboost", "xgboost<2"), ("xgboost", "xgboost<2"), id="one of two requirements has no release"
        ),
        pytest.param(("xgboost-cpu",), ("xgboost-cpu",), id="xgboost-cpu already"),
    ],
)
def test_xgboost_is_replaced_by_its_release_without_gpu_code(
    requirements: tuple[str, ...], expected: tuple[str, ...]
) -> None:
    assert without_gpu_code(requirements) == expected


@pytest.mark.parametrize(
    ("requirements", "omitted"),
    [
        pytest.param(("lightgbm", "numpy"), (), id="nothing omitted"),
        pytest.param(("catboost",), ("graphviz", "matplotlib", "plotly"), id="packages that draw"),
        pytest.param(
            ("catboost==1.2.10", "Plotly>=5"),
            ("graphviz", "matplotlib"),
            id="a package that the user requires",
        ),
        pytest.param(
            ("xgboost==1.7.6",), ("nvidia-nccl-cu12", "nvidia-nccl-cu13"), id="packages for several GPUs"
        ),
        pytest.param(("xgboost-cpu",), ("xgboost",), id="a second package with the same module"),
    ],
)
def test_an_omitted_package_has_an_override(requirements: tuple[str, ...], omitted: tuple[str, ...]) -> None:
    assert omission_overrides(requirements) == tuple(f"{name} ; {NEVER}" for name in omitted)


def test_a_drop_in_replacement_shares_the_entry_of_its_package() -> None:
    packages = ("xgboost", "xgboost-cpu", "numpy")
    assert [drop_in_replacement(package) for package in packages] == ["xgboost-cpu", "xgboost", None]
    assert with_drop_in_replacements({"xgboost": 1, "numpy": 2}) == {
        "xgboost": 1,
        "xgboost-cpu": 1,
        "numpy": 2,
    }
    assert with_drop_in_replacements({"xgboost": 1, "xgboost-cpu": 2}) == {"xgboost": 1, "xgboost-cpu": 2}


def test_a_lock_holds_no_omitted_package() -> None:
    lock = resolve_lock(("catboost==1.2.10",), BASE)

    assert {"catboost", "numpy", "pandas", "scipy"} <= lock.pins.keys()
    assert not {"graphviz", "matplotlib", "plotly", "pillow"} & lock.pins.keys()
