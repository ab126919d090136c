from __future__ import annotations

import pytest

from service.prediction.model_names import ModelNames

DIGEST = "sha256:0123456789abcdef0123"


@pytest.mark.parametrize(
    ("given", "file", "names"),
    [
        pytest.param([], "iris.pkl", ("iris", "model", "mlflow-model"), id="the file"),
        pytest.param([], "iris.v2.joblib", ("iris", "model", "mlflow-model"), id="several suffixes"),
        pytest.param([], "model.skops", ("model", "mlflow-model"), id="a common name"),
        pytest.param(["a", "b"], "iris.pkl", ("a", "b", "iris", "model", "mlflow-model"), id="given ones"),
        pytest.param(["model", "a"], "a.pkl", ("model", "a", "mlflow-model"), id="each one once"),
        pytest.param(["a/b", ""], ".pkl", ("model", "mlflow-model"), id="no segment of a path"),
    ],
)
def test_the_names_of_the_model(given: list[str], file: str, names: tuple[str, ...]) -> None:
    assert ModelNames.of(given, file, DIGEST) == ModelNames(names, ("1", "0123456789ab"))


def test_each_name_has_a_path_with_and_without_each_version() -> None:
    names = ModelNames(("a", "b"), ("1", "77"))

    assert [*names.paths("/v2/models")] == [
        ("/v2/models/a", "a"),
        ("/v2/models/a/versions/1", "a"),
        ("/v2/models/a/versions/77", "a"),
        ("/v2/models/b", "b"),
        ("/v2/models/b/versions/1", "b"),
        ("/v2/models/b/versions/77", "b"),
    ]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/v2/models/x/infer", 'no model "x" here; this service has "iris" (also: model)'),
        ("/v2/models/x", 'no model "x" here; this service has "iris" (also: model)'),
        ("/v2/models/x:predict", 'no model "x" here; this service has "iris" (also: model)'),
        (f"/v2/models/{'x' * 500}", f'no model "{"x" * 80}" here; this service has "iris" (also: model)'),
        ("/v2/models/iris/versions/9", 'no version "9" of "iris" here; there is 1, abc'),
        ("/v2/models/iris/versions/9:predict", 'no version "9" of "iris" here; there is 1, abc'),
        ("/v2/models/iris/versions/1/nope", "There is nothing at /v2/models/iris/versions/1/nope."),
        ("/v2/models/iris/nope", "There is nothing at /v2/models/iris/nope."),
        ("/v2/models/", "There is nothing at /v2/models/."),
    ],
)
def test_what_is_not_here_is_named(path: str, text: str) -> None:
    assert ModelNames(("iris", "model"), ("1", "abc")).explain_absent(path, "/v2/models") == text


def test_one_name_alone_is_not_listed_twice() -> None:
    assert ModelNames(("iris",), ("1",)).explain_absent("/v2/models/x", "/v2/models") == (
        'no model "x" here; this service has "iris"'
    )
