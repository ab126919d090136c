"""What a model takes is known from the part that gets the rows first, and never from a part behind it."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING

import pytest
from sklearn.base import clone
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline

from infer_cli.errors import ModelUnreadable
from infer_cli.inspection import Declared, DeclaredFeature, requirements_of
from infer_cli.inspection.facts.required import require_columns
from service.errors import UnusableFile
from service.models.fitted_model import FittedModel
from service.schema import declared as service
from tests.inspection.facts.entry_models import FRAME, NAMES, SILENT, TARGET, TELLING, ArrayArea, Counting

if TYPE_CHECKING:
    from collections.abc import Callable

    from infer_cli.inspection import Inspection
    from tests.inspection.facts.entry_models import Fitted

ROWS: list[list[object]] = [[2.0, 5.0], [1.0, 1.5]]
GIVEN = FRAME.iloc[:2].assign(width=[2.0, 1.0], height=[5.0, 1.5])


def fitted(models: dict[str, Fitted], name: str) -> Fitted:
    return clone(models[name]).fit(FRAME, TARGET)


def served(model: Fitted, names: tuple[str, ...] = ()) -> FittedModel:
    return FittedModel(model, service.Declared(tuple(map(service.DeclaredFeature, names))))


def answers_of(model: FittedModel) -> object:
    return model.ask([list(row) for row in ROWS]).values  # type: ignore[arg-type]  # the values are numbers


@pytest.mark.parametrize("name", SILENT)
def test_a_model_that_says_nothing_of_its_columns_is_refused(
    name: str, inspect_bytes: Callable[..., Inspection]
) -> None:
    model = fitted(SILENT, name)

    with pytest.raises(UnusableFile, match="does not say which columns it takes") as there:
        served(model)
    with pytest.raises(ModelUnreadable, match="does not tell which columns it takes") as here:
        require_columns(inspect_bytes(pickle.dumps(model)))

    assert "--features" in there.value.advice
    assert all(way in str(here.value.hint) for way in ("--features", "--examples", "infer_cli.save"))


@pytest.mark.parametrize("name", SILENT)
def test_its_declared_columns_are_the_models(name: str, inspect_bytes: Callable[..., Inspection]) -> None:
    model = fitted(SILENT, name)

    found = served(model, NAMES)
    inspection = inspect_bytes(pickle.dumps(model), declared=Declared(tuple(map(DeclaredFeature, NAMES))))

    assert answers_of(found) == pytest.approx(model.predict(GIVEN))
    assert inspection.feature_names == NAMES
    assert inspection.features is not None
    assert [(one.name, one.type) for one in inspection.features] == [
        (one.name, one.type) for one in found.features
    ]
    assert "pandas" in {need.name for need in requirements_of(inspection)}


@pytest.mark.parametrize("name", TELLING)
def test_a_model_that_says_its_columns(name: str, inspect_bytes: Callable[..., Inspection]) -> None:
    model = fitted(TELLING, name)

    found = served(model)
    inspection = inspect_bytes(pickle.dumps(model))

    assert inspection.feature_names == tuple(one.name for one in found.features) == NAMES
    assert answers_of(found) == pytest.approx(model.predict(GIVEN))


@pytest.mark.parametrize("name", TELLING)
def test_other_declared_columns_are_refused(name: str, inspect_bytes: Callable[..., Inspection]) -> None:
    model = fitted(TELLING, name)

    with pytest.raises(UnusableFile, match="has no feature"):
        served(model, ("width", "depth"))
    with pytest.raises(ModelUnreadable, match="has no feature"):
        inspect_bytes(pickle.dumps(model), declared=Declared(tuple(map(DeclaredFeature, ("width", "depth")))))


def test_columns_that_are_declared_without_names_are_an_array(
    inspect_bytes: Callable[..., Inspection],
) -> None:
    model = make_pipeline(ArrayArea(), LinearRegression()).fit(FRAME.to_numpy(), TARGET)

    found = served(model, ("x0", "x1"))
    inspection = inspect_bytes(
        pickle.dumps(model), declared=Declared(tuple(map(DeclaredFeature, ("x0", "x1"))))
    )

    assert answers_of(found) == pytest.approx(model.predict(GIVEN.to_numpy()))
    assert "pandas" not in {need.name for need in requirements_of(inspection)}


def test_columns_that_are_only_counted_get_the_declared_names(
    inspect_bytes: Callable[..., Inspection],
) -> None:
    model = make_pipeline(Counting(), LinearRegression()).fit(FRAME, TARGET)

    found = served(model, NAMES)
    inspection = inspect_bytes(pickle.dumps(model), declared=Declared(tuple(map(DeclaredFeature, NAMES))))

    assert inspection.feature_names == NAMES
    assert answers_of(found) == pytest.approx(model.predict(GIVEN))
