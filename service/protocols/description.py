"""The answer of `GET /model`: which model is served, its features, and the packages it runs on."""

from __future__ import annotations

import platform
import sys
from datetime import datetime
from importlib import metadata
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from service.json_values import JsonValue, json_value
from service.protocols.readings import two_readings
from service.schema.features import needs_types
from service.schema.usual import NOTHING_USUAL, UsualValues

if TYPE_CHECKING:
    from collections.abc import Sequence

    from service.loading.model_file import LoadedModel
    from service.models.model import Model
    from service.schema.features import Feature, Value

# Module to package: the packages that a prediction may depend on, and the packages that serve it.
PACKAGES = {
    "sklearn": "scikit-learn",
    "numpy": "numpy",
    "scipy": "scipy",
    "joblib": "joblib",
    "pandas": "pandas",
    "xgboost": "xgboost",
    "lightgbm": "lightgbm",
    "catboost": "catboost",
    "skops": "skops",
    "onnxruntime": "onnxruntime",
    "flask": "flask",
    "granian": "granian",
}

# `category_count` tells how many categories there are, if a feature has more than 1000.
MOST_CATEGORIES = 1000
EXAMPLES = {"text": "some text", "date": "2026-01-31", "boolean": "true"}


def describe(loaded: LoadedModel, served: Sequence[Feature] | None = None) -> dict[str, JsonValue]:
    """Describe the model in JSON's types; `served` are its features, if the settings change them."""
    model = loaded.model
    features = model.features if served is None else served
    usual = UsualValues(loaded.declared, model.usual)
    return {
        "kind": model.kind,
        "estimator": model.name,
        "method": model.method,
        "features": [_describe_feature(feature, usual) for feature in features],
        # A row may also name the columns x0, x1, … or 0, 1, …
        **({"positional": True} if any(feature.is_positional for feature in features) else {}),
        "classes": json_value(model.classes),
        **_describe_outputs(model.outputs),
        "file": loaded.file.name,
        "size_bytes": loaded.size_bytes,
        "digest": loaded.digest,
        "packages": dict(loaded_packages()),
        "path": _describe_path(model),
        "example": example(features, usual),
        **example_body(features, usual),
    }


def _describe_outputs(names: Sequence[str] | None) -> dict[str, JsonValue]:
    """Name the numbers of a transformer's answer, at most 1000 of them."""
    return {} if names is None else {"outputs": [*names[:MOST_CATEGORIES]], "output_count": len(names)}


def _describe_path(model: Model) -> dict[str, JsonValue]:
    """Say whether a compiled program answers, and how its parity was shown, or the model, and why."""
    program = model.program
    if program is None:
        return {"kind": "model", "reason": model.not_compiled, "batched": model.is_batched}
    described: dict[str, JsonValue] = {
        "kind": "lean",
        "tried_rows": len(program.trial.rows),
        "largest_difference": program.largest_difference,
    }
    origin = model.origin
    if origin is not None:
        described["compiled_from"] = {
            "file": origin.file,
            "size_bytes": origin.size_bytes,
            "digest": origin.digest,
            "packages": dict(origin.packages),
        }
    return described


def _describe_feature(feature: Feature, usual: UsualValues) -> dict[str, JsonValue]:
    """Give the name and type, whether a value must be given, and what is known of the values."""
    described: dict[str, JsonValue] = {
        "name": feature.name,
        "type": feature.type,
        "required": feature.required,
        "nullable": feature.nullable,
    }
    if needs_types(feature):
        described["needs_types"] = True
    if feature.categories is not None:
        known = feature.categories
        described["categories"] = [json_value(value) for value in known[:MOST_CATEGORIES]]
        described["category_count"] = len(known)
        described["accepts_others"] = feature.is_open
    value, known_range = usual.value(feature), usual.range(feature)
    if value is not None:
        described["usual"] = json_value(value)
    if known_range is not None:
        described["range"], described["range_source"] = [*known_range[:2]], known_range.source
    return described


def example(features: Sequence[Feature], usual: UsualValues = NOTHING_USUAL) -> str:
    """Give the path and query of a request that the service answers."""
    query = [(feature.name, example_text(feature, usual)) for feature in features]
    return "/prediction?" + urlencode(query, quote_via=quote)


def example_body(features: Sequence[Feature], usual: UsualValues = NOTHING_USUAL) -> dict[str, JsonValue]:
    """Give a row that the service answers as JSON, where the values of a query could be read in two ways."""
    texts = {feature.name: example_text(feature, usual) for feature in features}
    if not any(two_readings(feature, texts[feature.name]) for feature in features):
        return {}
    return {"example_body": example_row(features, usual)}


def example_row(features: Sequence[Feature], usual: UsualValues = NOTHING_USUAL) -> dict[str, JsonValue]:
    """Give a row of values that the features take: usual ones where they are known."""
    return {feature.name: _example_value(feature, usual) for feature in features}


def _example_value(feature: Feature, usual: UsualValues) -> JsonValue:
    value = usual.value(feature)
    if value is None and feature.categories:
        value = feature.categories[0]
    if value is not None:
        return json_value(value)
    return True if feature.type == "boolean" else EXAMPLES.get(feature.type, 1.0)


def example_text(feature: Feature, usual: UsualValues = NOTHING_USUAL) -> str:
    """Give a value that the feature takes, as it is written in a query: a usual one if one is known."""
    value = usual.value(feature)
    if value is not None:
        return query_text(value)
    if feature.categories:
        return query_text(feature.categories[0])
    return EXAMPLES.get(feature.type, "1.0")


def query_text(value: Value) -> str:
    """Write a value as in a query."""
    if isinstance(value, bool):
        return str(value).lower()
    return value.isoformat() if isinstance(value, datetime) else str(value)


def loaded_packages() -> list[tuple[str, JsonValue]]:
    """List the packages that are loaded and matter to a prediction, with their versions."""
    loaded = [(module, package) for module, package in PACKAGES.items() if module in sys.modules]
    return [
        ("python", platform.python_version()),
        *((package, _version(module, package)) for module, package in loaded),
    ]


def _version(module: str, package: str) -> str:
    """Give the version of a package, or of the module where another package brings that (xgboost-cpu)."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return str(sys.modules[module].__version__)
