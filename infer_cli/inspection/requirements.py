"""The packages that loading a model needs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from infer_cli.inspection.model import Inspection

# The packages that provide modules often found in models, by the module's name.
DISTRIBUTIONS = {
    # What scikit-learn's compiled losses call their module.
    "_loss": "scikit-learn",
    "autogluon": "autogluon",
    "catboost": "catboost",
    "category_encoders": "category-encoders",
    "cloudpickle": "cloudpickle",
    "daal4py": "daal4py",
    "dill": "dill",
    "dask_ml": "dask-ml",
    "feature_engine": "feature-engine",
    "flaml": "flaml",
    "gensim": "gensim",
    "hdbscan": "hdbscan",
    "imblearn": "imbalanced-learn",
    "interpret": "interpret",
    "joblib": "joblib",
    "lifelines": "lifelines",
    "lightgbm": "lightgbm",
    "mapie": "mapie",
    "mlxtend": "mlxtend",
    "ngboost": "ngboost",
    "nltk": "nltk",
    "numpy": "numpy",
    "pandas": "pandas",
    "patsy": "patsy",
    "polars": "polars",
    "pyarrow": "pyarrow",
    "pygam": "pygam",
    "pyod": "pyod",
    "quantile_forest": "quantile-forest",
    "scipy": "scipy",
    "skl2onnx": "skl2onnx",
    "sklearn": "scikit-learn",
    "sklearn_pandas": "sklearn-pandas",
    "sklearnex": "scikit-learn-intelex",
    "skops": "skops",
    "skorch": "skorch",
    "sksurv": "scikit-survival",
    "sktime": "sktime",
    "spacy": "spacy",
    "statsmodels": "statsmodels",
    "tensorflow": "tensorflow",
    "torch": "torch",
    "tslearn": "tslearn",
    "umap": "umap-learn",
    "xgboost": "xgboost",
}
# Parts of packages that need scikit-learn, though their packages do not.
_WITH_SKLEARN = {"lightgbm.sklearn", "xgboost.sklearn"}
# The first whose wheels were built for NumPy 2.
NUMPY_2_SKLEARN = (1, 4, 2)
_RELEASE = re.compile(r"(\d+)\.(\d+)(?:\.(\d+))?")
_VERSION = re.compile(r"\d+(\.\d+)*((a|b|rc|\.post|\.dev)\d+)*")


@dataclass(frozen=True, slots=True)
class Requirement:
    """A package, the versions of it that will do ("" for any), and why it is needed."""

    name: str
    specifier: str
    reason: str

    def __str__(self) -> str:
        return f"{self.name}{self.specifier}"


def requirements_of(inspection: Inspection) -> tuple[Requirement, ...]:
    """Give the packages that loading the model needs, sorted by name.

    Modules of no known package are not among them: see `unknown_modules`.
    """
    needed = {
        DISTRIBUTIONS[module]: f"the file uses {module}"
        for module in inspection.modules
        if module in DISTRIBUTIONS
    }
    if {name.module for name in inspection.globals} & _WITH_SKLEARN:
        needed.setdefault("scikit-learn", "the model's class builds on it")
    if inspection.format == "joblib":
        needed.setdefault("joblib", "the file was saved with joblib")
    if inspection.format == "onnx":
        needed.setdefault("onnxruntime", "runs ONNX models")
    if inspection.format == "skops":
        needed.setdefault("skops", "the file was saved with skops")
    found = {name: Requirement(name, "", reason) for name, reason in needed.items()}
    if inspection.sklearn_version is not None and _VERSION.fullmatch(inspection.sklearn_version):
        pinned = f"=={inspection.sklearn_version}"
        found["scikit-learn"] = Requirement("scikit-learn", pinned, "recorded in the file")
    if numpy := _numpy(inspection):
        found["numpy"] = numpy
    return tuple(found[name] for name in sorted(found))


def unknown_modules(inspection: Inspection) -> tuple[str, ...]:
    """Give the modules that the model needs and that no known package provides, such as your own code."""
    return tuple(module for module in inspection.modules if module not in DISTRIBUTIONS)


def _numpy(inspection: Inspection) -> Requirement | None:
    match = _RELEASE.match(inspection.sklearn_version or "")
    release = (int(match[1]), int(match[2]), int(match[3] or 0)) if match else None
    is_numpy_1 = release is not None and release < NUMPY_2_SKLEARN
    if is_numpy_1 and inspection.numpy_major:
        # 1.26 has stand-ins for the modules that NumPy 2 renamed.
        reason = (
            f"scikit-learn {inspection.sklearn_version} was built for NumPy 1, and NumPy 2 saved the file"
        )
        return Requirement("numpy", ">=1.26,<2", reason)
    if is_numpy_1:
        reason = f"scikit-learn {inspection.sklearn_version} was built for NumPy 1"
        return Requirement("numpy", "<2", reason)
    if inspection.numpy_major:
        return Requirement("numpy", ">=2", "NumPy 2 saved the file")
    return None
