from __future__ import annotations

import platform
from typing import TYPE_CHECKING

import pytest
import sklearn
from sklearn.neighbors import KNeighborsClassifier

from service.protocols.description import _describe_feature, _version, describe, example, example_text
from service.schema.declared import Declared, DeclaredFeature
from service.schema.features import Feature
from service.schema.usual import Usual, UsualRange, UsualValues

if TYPE_CHECKING:
    from collections.abc import Callable

    from sklearn.linear_model import LogisticRegression

    from service.loading.model_file import LoadedModel


def test_a_model_is_described(classifier: LogisticRegression, load: Callable[[object], LoadedModel]) -> None:
    loaded = load(classifier)

    description = describe(loaded)

    packages = description.pop("packages")
    assert isinstance(packages, dict)
    assert packages["python"] == platform.python_version()
    assert packages["scikit-learn"] == sklearn.__version__
    assert "catboost" not in packages
    path = description.pop("path")
    assert isinstance(path, dict)
    assert path["kind"] == "lean"
    assert description == {
        "kind": "classifier",
        "estimator": "LogisticRegression",
        "method": "predict",
        "features": [
            {"name": name, "type": "number", "required": True, "nullable": False}
            for name in ("slength", "swidth", "plength", "pwidth")
        ],
        "classes": ["setosa", "versicolor", "virginica"],
        "file": "model.joblib",
        "size_bytes": loaded.file.stat().st_size,
        "digest": loaded.digest,
        "example": "/prediction?slength=1.0&swidth=1.0&plength=1.0&pwidth=1.0",
    }


def test_the_example_is_encoded() -> None:
    assert example([Feature("a b&c"), Feature("größe"), Feature("x/y")]) == (
        "/prediction?a%20b%26c=1.0&gr%C3%B6%C3%9Fe=1.0&x%2Fy=1.0"
    )


def test_the_reason_why_a_model_is_not_compiled_is_given(load: Callable[[object], LoadedModel]) -> None:
    path = describe(load(KNeighborsClassifier(1).fit([[0.0], [1.0]], [0, 1])))["path"]

    assert path == {
        "kind": "model",
        "reason": "the compiler does not support KNeighborsClassifier",
        "batched": True,
    }


def test_a_module_of_another_package_tells_its_version_itself() -> None:
    import sklearn  # noqa: PLC0415 (slow to import)

    assert _version("sklearn", "scikit-learn-of-another-name") == sklearn.__version__


@pytest.mark.parametrize(
    ("declared", "feature", "text"),
    [
        (DeclaredFeature("a", example=5.1), Feature("a"), "5.1"),
        (DeclaredFeature("a", low=2, high=3), Feature("a"), "2.5"),
        (DeclaredFeature("a", low=2, high=3), Feature("a", dtype="int64"), "2"),
        (DeclaredFeature("a", example="x y"), Feature("a", "text", dtype="text"), "x y"),
        (DeclaredFeature("a", example="z"), Feature("a", "category", categories=("x",)), "x"),
        (DeclaredFeature("a"), Feature("a"), "1.0"),
        (DeclaredFeature("b", example=5.1), Feature("a"), "1.0"),
    ],
)
def test_a_declared_value_is_the_example(declared: DeclaredFeature, feature: Feature, text: str) -> None:
    assert example_text(feature, UsualValues(Declared((declared,)))) == text


def test_what_the_model_learned_is_usual_and_what_is_declared_goes_before() -> None:
    learned = {"a": Usual(5.8, UsualRange(4.3, 7.9, "bounds")), "b": Usual(2.0, None)}
    usual = UsualValues(Declared((DeclaredFeature("b", low=1, high=4),)), learned)
    features = [Feature("a"), Feature("b", dtype="int64"), Feature("c"), Feature("d", "text", dtype="text")]

    described = [_describe_feature(feature, usual) for feature in features]

    assert [{**one, "required": None, "nullable": None} for one in described] == [
        {**_plain("a", "number"), "usual": 5.8, "range": [4.3, 7.9], "range_source": "bounds"},
        {**_plain("b", "number"), "usual": 2, "range": [1, 4], "range_source": "declared"},
        _plain("c", "number"),
        _plain("d", "text"),
    ]


def _plain(name: str, column_type: str) -> dict[str, object]:
    return {"name": name, "type": column_type, "required": None, "nullable": None}
