"""The packages that loading a model needs, with their versions."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from infer_cli.inspection.facts.model import Inspection

# Packages by the top-level module that they provide, for the modules that are often found in models.
DISTRIBUTIONS = {
    # The compiled losses of scikit-learn 1.5 to 1.8 are pickled with this module, without its package.
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
    "PIL": "pillow",
    "cv2": "opencv-python-headless",
    "dateutil": "python-dateutil",
    "holidays": "holidays",
    "numba": "numba",
    "polars": "polars",
    "pyarrow": "pyarrow",
    "pycaret": "pycaret",
    "pygam": "pygam",
    "pyod": "pyod",
    "quantile_forest": "quantile-forest",
    "scipy": "scipy",
    "skl2onnx": "skl2onnx",
    "sklearn": "scikit-learn",
    "sklearn_pandas": "sklearn-pandas",
    "sklearnex": "scikit-learn-intelex",
    "skops": "skops",
    "skopt": "scikit-optimize",
    "skorch": "skorch",
    "sksurv": "scikit-survival",
    "sktime": "sktime",
    "spacy": "spacy",
    "statsmodels": "statsmodels",
    "tensorflow": "tensorflow",
    "torch": "torch",
    "tpot": "tpot",
    "tslearn": "tslearn",
    "umap": "umap-learn",
    "xgboost": "xgboost",
}
# Modules that need scikit-learn although their package does not depend on it: for its OpenMP library, too.
_WITH_SKLEARN = {"lightgbm.basic", "lightgbm.sklearn", "xgboost.sklearn"}
# Packages that read only the files of their own version reliably.
_RECORDED = ("scikit-learn", "xgboost")
# The packages that read a format, and why.
_BY_FORMAT = {
    "joblib": {"joblib": "the file was saved with joblib"},
    "onnx": {"onnxruntime": "runs ONNX models"},
    "lean": {"numpy": "computes the answers"},
    "skops": {"skops": "the file was saved with skops"},
    "xgboost": {"xgboost": "reads and runs the model"},
    "lightgbm": {
        "lightgbm": "reads and runs the model",
        "scikit-learn": "brings the OpenMP library that LightGBM loads",
    },
    "catboost": {"catboost": "reads and runs the model"},
}
# Packages that read the files of their own and of older versions.
_READ_OLDER = ("skops", "catboost")
# The first scikit-learn whose wheels were built for NumPy 2.
NUMPY_2_SKLEARN = (1, 4, 2)
# A scikit-learn older than this came out before pandas 3, which changed the dtypes of strings and dates.
PANDAS_3_SKLEARN = (1, 8, 0)
# Names that only one major version of pandas writes. pandas 3 writes `pandas.DataFrame`; older versions write
# the module that defines the class.
_PANDAS_1_MODULE = "pandas.core.indexes.numeric"
_PANDAS_2 = frozenset(
    {
        "pandas.core.arrays.categorical.Categorical",
        "pandas.core.dtypes.dtypes.CategoricalDtype",
        "pandas.core.frame.DataFrame",
        "pandas.core.indexes.range.RangeIndex",
        "pandas.core.series.Series",
        "pandas.core.tools.datetimes.to_datetime",
    }
)
_PANDAS_3_MODULES = frozenset({"pandas", "pandas.arrays"})
_RELEASE = re.compile(r"(\d+)\.(\d+)(?:\.(\d+))?")
_FINAL_VERSION = re.compile(r"\d+(\.\d+)*")
_VERSION = re.compile(r"\d+(\.\d+)*((a|b|rc|\.post|\.dev)\d+)*")


@dataclass(frozen=True, slots=True)
class Requirement:
    """A package, the specifier of the versions that will do ("" for any), and why the package is needed."""

    name: str
    specifier: str
    reason: str

    @property
    def is_recorded(self) -> bool:
        """Whether the file records the version itself; a range of versions is deduced from other facts."""
        return self.specifier.startswith("==")

    def __str__(self) -> str:
        return f"{self.name}{self.specifier}"


def requirements_of(inspection: Inspection) -> tuple[Requirement, ...]:
    """Give the packages that loading the model needs, sorted by name.

    A module that no known package provides adds none: see `unknown_modules`.
    """
    needed = {
        DISTRIBUTIONS[module]: f"the file uses {module}"
        for module in inspection.modules
        if module in DISTRIBUTIONS
    }
    for module in inspection.code_modules:
        if module in DISTRIBUTIONS:
            needed.setdefault(DISTRIBUTIONS[module], f"your code imports {module}")
    if {name.module for name in inspection.globals} & _WITH_SKLEARN:
        needed.setdefault("scikit-learn", "the model's class builds on it")
    for package, reason in _BY_FORMAT.get(inspection.format, {}).items():
        needed.setdefault(package, reason)
    if inspection.compression == "lz4":
        needed["lz4"] = "the file is compressed with it"
    found = {name: Requirement(name, "", reason) for name, reason in needed.items()}
    versioned = (*_recorded(inspection), _not_older(inspection), _pandas(inspection), _numpy(inspection))
    found |= {requirement.name: requirement for requirement in versioned if requirement is not None}
    return tuple(found[name] for name in sorted(found))


def _recorded(inspection: Inspection) -> list[Requirement]:
    recorded = {entry.package: entry.version for entry in inspection.versions}
    recorded["scikit-learn"] = inspection.sklearn_version or ""
    return [
        Requirement(name, f"=={recorded[name]}", "recorded in the file")
        for name in _RECORDED
        if _VERSION.fullmatch(recorded.get(name, ""))
    ]


def unknown_modules(inspection: Inspection) -> tuple[str, ...]:
    """Give the top-level modules of the model that no known package provides, such as the user's own code."""
    return tuple(module for module in inspection.modules if module not in DISTRIBUTIONS)


def _not_older(inspection: Inspection) -> Requirement | None:
    """Ask for the package that wrote a file in its own format, or a newer one: it reads older files."""
    package = inspection.format
    recorded = {one.package: one.version for one in inspection.versions}.get(package, "")
    if package not in _READ_OLDER or not _FINAL_VERSION.fullmatch(recorded):
        return None
    return Requirement(package, f">={recorded}", f"{package} {recorded} saved the file")


def _pandas(inspection: Inspection) -> Requirement | None:
    """Ask for pandas if the file names it, in a version that reads what the writer's version wrote.

    Otherwise ask for pandas only if the model needs a DataFrame. A model of numbers alone gets an array,
    which is quicker and needs no pandas.
    """
    if "pandas" in inspection.modules:
        reason = "the file uses pandas"
    elif inspection.frame_reason is not None:
        reason = f"the model {inspection.frame_reason}"
    elif "pandas" in inspection.code_modules:
        reason = "your code imports pandas"
    else:
        return None
    writer = _pandas_of_writer(inspection)
    if writer is not None:
        return Requirement("pandas", *writer)
    release = _sklearn_release(inspection)
    if release is not None and release < PANDAS_3_SKLEARN:
        return Requirement(
            "pandas", "<3", f"{reason}; scikit-learn {inspection.sklearn_version} is older than pandas 3"
        )
    return Requirement("pandas", "", reason)


def _pandas_of_writer(inspection: Inspection) -> tuple[str, str] | None:
    """Give the specifier of the pandas versions that read the file, and why; None if any version does."""
    modules = {name.module for name in inspection.globals}
    if _PANDAS_1_MODULE in modules:
        return "<2", "pandas 1 saved the file"
    if modules & _PANDAS_3_MODULES:
        return ">=3", "pandas 3 saved the file"
    if any(str(name) in _PANDAS_2 for name in inspection.globals):
        return "<3", "a pandas older than 3 saved the file"
    return None


def _sklearn_release(inspection: Inspection) -> tuple[int, int, int] | None:
    match = _RELEASE.match(inspection.sklearn_version or "")
    return (int(match[1]), int(match[2]), int(match[3] or 0)) if match else None


def _numpy(inspection: Inspection) -> Requirement | None:
    release = _sklearn_release(inspection)
    is_numpy_1 = release is not None and release < NUMPY_2_SKLEARN
    if is_numpy_1 and inspection.numpy_major:
        # NumPy 1.26 has the module names of NumPy 2 as well.
        reason = (
            f"scikit-learn {inspection.sklearn_version} was built for NumPy 1, and NumPy 2 saved the file"
        )
        return Requirement("numpy", ">=1.26,<2", reason)
    if is_numpy_1:
        reason = f"scikit-learn {inspection.sklearn_version} was built for NumPy 1"
        return Requirement("numpy", "<2", reason)
    if inspection.numpy_major:
        return Requirement("numpy", ">=2", "NumPy 2 saved the file")
    if any(name.module == _PANDAS_1_MODULE for name in inspection.globals):
        return Requirement("numpy", "<2", "pandas 1 was built for NumPy 1")
    return None
