"""The packages that a model needs follow from its file."""

from __future__ import annotations

import dataclasses
import pickle
from typing import TYPE_CHECKING

import pytest
import sklearn

from infer_cli.inspection import Global, Requirement, requirements_of, unknown_modules

if TYPE_CHECKING:
    from collections.abc import Callable

    from infer_cli.inspection import Inspection
    from infer_cli.inspection.facts.model import Format


@pytest.fixture
def inspection(models: dict[str, object], inspect_bytes: Callable[..., Inspection]) -> Inspection:
    return inspect_bytes(pickle.dumps(models["pipeline"]))


def test_of_a_real_model(inspection: Inspection) -> None:
    assert requirements_of(inspection) == (
        Requirement("numpy", ">=2", "NumPy 2 saved the file"),
        Requirement("scikit-learn", f"=={sklearn.__version__}", "recorded in the file"),
    )
    assert str(requirements_of(inspection)[0]) == "numpy>=2"


@pytest.mark.parametrize(
    ("version", "numpy_major", "numpy"),
    [
        ("1.4.1.post1", None, "<2"),
        ("1.4.1", 2, ">=1.26,<2"),
        ("1.4", None, "<2"),
        ("0.24.2", None, "<2"),
        ("1.4.2", None, ""),
        ("1.4.2", 2, ">=2"),
        ("1.7.2", None, ""),
        (None, 2, ">=2"),
        ("2.0", None, ""),
    ],
)
def test_numpy(version: str | None, numpy_major: int | None, numpy: str, inspection: Inspection) -> None:
    changed = dataclasses.replace(inspection, sklearn_version=version, numpy_major=numpy_major)

    specifiers = {requirement.name: requirement.specifier for requirement in requirements_of(changed)}

    assert specifiers["numpy"] == numpy
    assert specifiers["scikit-learn"] == (f"=={version}" if version else "")


@pytest.mark.parametrize("version", ["1.7; import os", "latest", "", "1.7\nnumpy"])
def test_a_string_that_is_no_version_is_not_passed_on(version: str, inspection: Inspection) -> None:
    changed = dataclasses.replace(inspection, sklearn_version=version)

    assert "scikit-learn" in map(str, requirements_of(changed))


def test_distributions_of_other_names(inspection: Inspection) -> None:
    changed = dataclasses.replace(inspection, modules=("category_encoders", "imblearn", "scipy", "xgboost"))

    names = [requirement.name for requirement in requirements_of(changed)]

    assert names == ["category-encoders", "imbalanced-learn", "numpy", "scikit-learn", "scipy", "xgboost"]


def test_unknown_modules(inspection: Inspection) -> None:
    changed = dataclasses.replace(inspection, modules=("__main__", "mine", "numpy"))

    assert unknown_modules(changed) == ("__main__", "mine")
    assert "mine" not in {requirement.name for requirement in requirements_of(changed)}


@pytest.mark.parametrize(
    ("file_format", "needed"), [("joblib", "joblib"), ("skops", "skops"), ("onnx", "onnxruntime")]
)
def test_what_loads_the_format(file_format: Format, needed: str, inspection: Inspection) -> None:
    changed = dataclasses.replace(inspection, format=file_format)

    assert needed in {requirement.name for requirement in requirements_of(changed)}


@pytest.mark.parametrize(
    ("name", "version", "pandas", "numpy"),
    [
        pytest.param("pandas.core.indexes.numeric.Int64Index", "1.5.0", "<2", "<2", id="written by pandas 1"),
        pytest.param("pandas.core.frame.DataFrame", "1.9.1", "<3", "", id="written before pandas 3"),
        pytest.param("pandas.CategoricalDtype", "1.9.1", ">=3", "", id="written by pandas 3"),
        pytest.param("pandas.core.generic.NDFrame.astype", "1.9.1", "", "", id="the same in all"),
        pytest.param(
            "pandas.core.generic.NDFrame.astype", "1.7.2", "<3", "", id="scikit-learn before pandas 3"
        ),
    ],
)
def test_pandas_that_reads_what_the_file_names(
    name: str, version: str, pandas: str, numpy: str, inspection: Inspection
) -> None:
    module, _, attribute = name.rpartition(".")
    module, attribute = (
        (module, attribute) if "NDFrame" not in name else ("pandas.core.generic", "NDFrame.astype")
    )
    changed = dataclasses.replace(
        inspection,
        globals=(Global(module, attribute),),
        modules=("numpy", "pandas"),
        sklearn_version=version,
        numpy_major=None,
    )

    specifiers = {needed.name: needed.specifier for needed in requirements_of(changed)}

    assert (specifiers["pandas"], specifiers["numpy"]) == (pandas, numpy)


@pytest.mark.parametrize(("version", "specifier"), [("1.1.3", "<3"), ("1.9.1", ""), (None, "")])
def test_pandas_for_columns_of_several_types(
    version: str | None, specifier: str, inspection: Inspection
) -> None:
    changed = dataclasses.replace(inspection, frame_reason="takes named columns", sklearn_version=version)

    needed = next(needed for needed in requirements_of(changed) if needed.name == "pandas")

    assert needed.specifier == specifier
    assert needed.reason.startswith("the model takes named columns")
