from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import sklearn

from infer_cli.inspection import inspect_model
from infer_cli.packages.lock import Lock
from infer_cli.packages.training_environment import read_environment
from infer_cli.packages.version_sources import lock_version_sources, version_sources

if TYPE_CHECKING:
    from infer_cli.inspection import Inspection


@pytest.fixture
def model(iris_folder: Path) -> Inspection:
    """A model file that records one version, implies one range, and only names a third package."""
    found = inspect_model(iris_folder / "model.pkl")
    return replace(found, modules=("joblib", "numpy", "sklearn"))


def test_without_an_environment_the_newest_that_fits_is_taken(model: Inspection) -> None:
    assert [str(source) for source in version_sources(model, None)] == [
        "joblib  (newest that fits; the file uses joblib)",
        "numpy>=2  (deduced: NumPy 2 saved the file)",
        f"scikit-learn=={sklearn.__version__}  (recorded in the file)",
    ]


def test_the_environment_supplies_the_versions_that_the_file_does_not_record(model: Inspection) -> None:
    import joblib  # noqa: PLC0415 (only this test needs it)

    found = version_sources(model, read_environment(Path(sys.prefix)))

    assert [str(source) for source in found] == [
        f"joblib=={joblib.__version__}  (the current environment; the file uses joblib)",
        f"numpy=={np.__version__}  (the current environment; deduced >=2: NumPy 2 saved the file)",
        f"scikit-learn=={sklearn.__version__}  (recorded in the file)",
    ]
    assert found[1].as_dict() == {
        "package": "numpy",
        "specifier": ">=2",
        "version": np.__version__,
        "source": "the current environment",
        "reason": "NumPy 2 saved the file",
    }


def test_every_version_in_a_lock_has_a_source(model: Inspection) -> None:
    lock = Lock(
        "flask==3.1.3 --hash=sha256:0\njoblib==1.5.0 --hash=sha256:0\nnumpy==2.4.0 --hash=sha256:0\n"
        f"scikit-learn=={sklearn.__version__} --hash=sha256:0\nscipy==1.17.0 --hash=sha256:0\n"
        "tqdm==4.0 --hash=sha256:0\n"
    )
    preferred = {"joblib": "1.5.0", "numpy": "2.3.9", "rich": "1.0"}
    requested_by = {"flask": "needed by the service", "tqdm": "--require tqdm"}

    found = lock_version_sources(lock, model, preferred=preferred, requested_by=requested_by)

    assert found == {
        "flask": "needed by the service",
        "joblib": "the current environment",
        "numpy": "newest that fits, >=2: NumPy 2 saved the file",
        "scikit-learn": "recorded in the file",
        "scipy": "newest that fits",
        "tqdm": "--require tqdm",
    }


def test_a_recorded_version_counts_for_the_drop_in_replacement(model: Inspection) -> None:
    versions = (*model.versions, replace(model.versions[0], package="xgboost", version="3.2.0"))
    changed = replace(model, modules=("xgboost",), versions=versions)

    found = lock_version_sources(
        Lock("xgboost-cpu==3.2.0 --hash=sha256:0\n"), changed, preferred={}, requested_by={}
    )

    assert found == {"xgboost-cpu": "recorded in the file"}


def test_without_a_model_every_version_is_the_newest() -> None:
    found = lock_version_sources(Lock("numpy==2.4.0 --hash=sha256:0\n"), None, preferred={}, requested_by={})

    assert found == {"numpy": "newest that fits"}
