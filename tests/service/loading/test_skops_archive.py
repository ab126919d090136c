"""Models that skops saved give their own answers."""

from __future__ import annotations

import sys
import zipfile
from typing import TYPE_CHECKING

import numpy as np
import pytest
import skops.io
from sklearn.ensemble import RandomForestClassifier, VotingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from service.errors import ModelUnloadable
from service.loading.model_file import load_model
from service.models.fitted_model import FittedModel
from service.prediction.predictor import Predictor

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.service.conftest import Fitted, Iris


def estimator_of(file: Path, *trusted: str) -> Fitted:
    model = load_model(file, trusted).model
    assert isinstance(model, FittedModel)
    return model.estimator


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_answers_are_those_of_the_model(iris: Iris, tmp_path: Path, compression: int) -> None:
    model = make_pipeline(StandardScaler(), RandomForestClassifier(5, random_state=0)).fit(*iris)
    file = tmp_path / "model.skops"
    skops.io.dump(model, file, compression=compression)

    predictor = Predictor(load_model(file).model)

    answer = predictor.predict(iris[0].to_numpy().tolist())
    assert answer.values == model.predict(iris[0]).tolist()
    assert answer.probabilities == model.predict_proba(iris[0]).tolist()


@pytest.mark.skipif(sys.version_info < (3, 11), reason="infer_cli needs Python 3.11")
@pytest.mark.parametrize("name", ["many", "selected", "nested", "search", "boosting", "stacking", "texts"])
def test_both_sides_know_the_same_features(
    name: str, mixed_models: dict[str, Fitted], save_skops: Callable[..., Path]
) -> None:
    from infer_cli.inspection import inspect_model  # noqa: PLC0415 (the service's Python may be older)

    file = save_skops(mixed_models[name])

    inspection, predictor = inspect_model(file), Predictor(load_model(file).model)

    assert inspection.features is not None
    assert inspection.kind == predictor.model.kind
    assert list(inspection.classes or ()) == predictor.classes
    for inspected, feature in zip(inspection.features, predictor.features, strict=True):
        assert (inspected.name, inspected.type) == (feature.name, feature.type)
        assert (inspected.required, inspected.nullable) == (feature.required, feature.nullable)
        assert (inspected.categories is None) == (feature.categories is None)


def test_both_sides_know_the_version_of_scikit_learn(
    classifier: LogisticRegression, save_skops: Callable[..., Path]
) -> None:
    version = classifier.__getstate__()["_sklearn_version"]
    file = save_skops(classifier, lambda schema: schema.replace(version, "0.0.7"))

    assert load_model(file).file == file
    with pytest.raises(ModelUnloadable, match=r"written with scikit-learn 0\.0\.7"):
        load_model(file, versions_must_match=True)
    if sys.version_info >= (3, 11):
        from infer_cli.inspection import inspect_model  # noqa: PLC0415 (the service's Python may be older)

        assert inspect_model(file).sklearn_version == "0.0.7"


def test_an_object_that_is_held_twice_stays_one_object(iris: Iris, save_skops: Callable[..., Path]) -> None:
    model = VotingClassifier([("a", LogisticRegression(max_iter=500))]).fit(*iris)

    loaded = estimator_of(save_skops(model))

    assert loaded.estimators_[0] is loaded.named_estimators_["a"]


OWN = "def twice(x):\n    return x * 2\n\n\nfrom os import system\n"


def test_code_of_the_user_needs_trust(
    iris: Iris,
    save_skops: Callable[..., Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "code_of_skops.py").write_text(OWN)
    monkeypatch.syspath_prepend(tmp_path)
    import code_of_skops  # type: ignore[import-not-found]  # noqa: PLC0415 (written just now)

    model = make_pipeline(FunctionTransformer(code_of_skops.twice), LogisticRegression(max_iter=500))
    file = save_skops(model.fit(*iris))

    with pytest.raises(ModelUnloadable, match=r"code_of_skops\.twice is not allowed: it is not known"):
        load_model(file)
    loaded = estimator_of(file, "code_of_skops")
    assert loaded.predict(iris[0]).tolist() == model.predict(iris[0]).tolist()
    imported = save_skops(model, lambda schema: schema.replace('"twice"', '"system"'))
    with pytest.raises(
        ModelUnloadable, match=r"code_of_skops\.system is not allowed: it only leads to posix"
    ):
        load_model(imported, ("code_of_skops",))


@pytest.mark.parametrize("keep", [0.5, 0.99])
def test_an_archive_that_is_cut_short_is_damaged(
    classifier: LogisticRegression, save_skops: Callable[..., Path], keep: float
) -> None:
    file = save_skops(classifier)
    data = file.read_bytes()
    file.write_bytes(data[: int(len(data) * keep)])

    with pytest.raises(ModelUnloadable, match=r"it is damaged \(File is not a zip file\)\. Copy or save"):
        load_model(file)


def test_a_zip_without_a_schema_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "model.skops"
    np.savez(tmp_path / "arrays", np.ones(2))
    (tmp_path / "arrays.npz").rename(file)

    with pytest.raises(ModelUnloadable, match="it is a zip without the schema that skops writes"):
        load_model(file)
