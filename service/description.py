"""What `GET /model` says: which model this is, what it takes, and what it runs on."""

from __future__ import annotations

import platform
import sys
from importlib import metadata
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from service.payload import JsonValue, json_value

if TYPE_CHECKING:
    from collections.abc import Sequence

    from service.predictor import Feature, Predictor

# Module to package: those on which a prediction may depend, and those that serve it.
PACKAGES = {
    "sklearn": "scikit-learn",
    "numpy": "numpy",
    "scipy": "scipy",
    "joblib": "joblib",
    "pandas": "pandas",
    "xgboost": "xgboost",
    "lightgbm": "lightgbm",
    "catboost": "catboost",
    "flask": "flask",
    "granian": "granian",
}


def describe(predictor: Predictor) -> dict[str, JsonValue]:
    """Describe the model in JSON's types."""
    loaded = predictor.loaded
    return {
        "kind": predictor.kind,
        "estimator": type(loaded.estimator).__name__,
        "features": [{"name": feature.name, "type": feature.type} for feature in predictor.features],
        "classes": json_value(predictor.classes),
        "file": loaded.file.name,
        "size_bytes": loaded.size_bytes,
        "digest": loaded.digest,
        "packages": dict(_loaded_packages()),
        "example": example(predictor.features),
    }


def example(features: Sequence[Feature]) -> str:
    """Give the path of a request that is answered, whatever the names of the features."""
    return "/prediction?" + urlencode([(feature.name, "1.0") for feature in features], quote_via=quote)


def _loaded_packages() -> list[tuple[str, JsonValue]]:
    loaded = [package for module, package in PACKAGES.items() if module in sys.modules]
    return [
        ("python", platform.python_version()),
        *((package, metadata.version(package)) for package in loaded),
    ]
