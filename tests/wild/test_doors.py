"""The same row gets the same answer through every door: the model's own, or a refusal with the field."""

from __future__ import annotations

import io
import pickle
import random
import warnings
from typing import TYPE_CHECKING

import numpy as np
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from werkzeug.test import Client

from infer_cli.client.bulk import BulkOptions, predict_file
from infer_cli.errors import InferError
from infer_cli.inspection import inspect_model
from service.application import build_application
from service.protocols.readings import BOOLEAN, NUMBER
from service.settings import Settings
from tests.wild import booster_cases, kind_cases, sklearn_cases
from tests.wild.doors import DOORS, Answer, LocalClient, Refused, ask, is_same, rows_of, together, write_csv
from tests.wild.tables import IS_SAVED, PASSENGERS

if TYPE_CHECKING:
    from pathlib import Path

    from tests.wild.cases import Case
    from tests.wild.doors import Json, Row

# Models ask pandas, NumPy and each other for what newer versions warn of.
pytestmark = pytest.mark.filterwarnings("ignore")
CASES = {**sklearn_cases.CASES, **kind_cases.CASES, **booster_cases.CASES}
# Values of every type: one at a time takes the place of a right one.
OTHER_VALUES = [None, 5, 5.5, True, "zz", "", " a", 2**53 + 1, "2026-01-31"]


class Served:
    """A case, the service of its model, and the rows and right answers of the case."""

    def __init__(self, case: Case, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "model.pkl"
        self.file.write_bytes(pickle.dumps(case.model))
        settings = Settings.from_environment({"MODEL_FILE": str(self.file)})
        self.client = Client(build_application(settings).wsgi)
        self.rows = rows_of(case.table)
        self.answers = right_answers(case)
        self.model: Json = ask(self.client, "/model")


def right_answers(case: Case) -> list[Answer]:
    """Give what the model itself answers to the table."""
    found = getattr(case.model, case.method)(case.table)
    if case.method == "kneighbors":
        found = found[1]
    values = (found.toarray() if hasattr(found, "toarray") else np.asarray(found)).tolist()
    probabilities: list[Json] = [None] * len(values)
    if case.method == "predict" and hasattr(case.model, "predict_proba"):
        shares = case.model.predict_proba(case.table)
        by_output = [output.tolist() for output in shares] if isinstance(shares, list) else None
        probabilities = [list(row) for row in zip(*by_output, strict=True)] if by_output else shares.tolist()
    return [Answer(*pair) for pair in zip(values, probabilities, strict=True)]


@pytest.fixture(scope="module", params=list(CASES))
def served(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Served:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return Served(CASES[request.param](), tmp_path_factory.mktemp("case"))


@pytest.mark.parametrize("door", DOORS)
def test_every_door_gives_the_models_own_answer(served: Served, door: str) -> None:
    if door in ("query", "csv") and has_two_readings(served):
        with pytest.raises((InferError, Refused), match="may be a text or a "):
            DOORS[door](served.client, served.rows, served.folder)
        return
    given = DOORS[door](served.client, served.rows, served.folder)

    assert len(given) == len(served.answers)
    for answer, right in zip(given, served.answers, strict=True):
        assert is_same(flat(answer.prediction), flat(right.prediction))
        if door in ("together", "alone", "query"):
            assert (answer.probabilities is None) == (right.probabilities is None)
            assert right.probabilities is None or is_same(answer.probabilities, right.probabilities)


def has_two_readings(served: Served) -> bool:
    """Tell whether a row has a value that a word does not tell from another one; JSON does."""
    for feature in served.model["features"]:
        values = [row[feature["name"]] for row in served.rows]
        if feature.get("needs_types") and feature["type"] == "any":
            return any(NUMBER.fullmatch(str(value)) or BOOLEAN.fullmatch(str(value)) for value in values)
        if feature.get("needs_types") and any(isinstance(value, bool) for value in values):
            return True
    return False


def flat(value: Json) -> Json:
    """Give the only element of a list of one: CatBoost gives its labels so."""
    return value[0] if isinstance(value, list) and len(value) == 1 else value


def test_a_row_is_answered_among_others_as_alone(served: Served) -> None:
    """Rows with values that the service takes, though no row of the training data had them."""
    single = [(row, answer) for row in others_of(served) if (answer := answered(served, row)) is not None]

    for seed in range(3):
        random.Random(seed).shuffle(single)  # noqa: S311 (nothing is secret)
        joint = together(served.client, [row for row, _ in single], served.folder)
        for (row, alone), among in zip(single, joint, strict=True):
            assert is_same(among.prediction, alone.prediction), row
            assert alone.probabilities is None or is_same(among.probabilities, alone.probabilities), row


def test_a_query_says_the_same_as_a_body(served: Served) -> None:
    for row in others_of(served):
        alone = answered(served, row)
        if alone is None or "" in row.values():
            continue
        try:
            (given,) = DOORS["query"](served.client, [row], served.folder)
        except Refused:
            continue
        assert is_same(given.prediction, alone.prediction), row


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("names", [["x0", "x1"], ["0", "1"], ["sex", "fare"]], ids=" ".join)
def test_a_row_may_name_the_positions_of_a_model_without_names(
    names: list[str], door: str, tmp_path: Path
) -> None:
    table = PASSENGERS[["sex", "fare"]].assign(sex=np.where(IS_SAVED, "1", "01")).to_numpy(dtype=object)
    first = ColumnTransformer([("one", OneHotEncoder(), [0])], remainder="passthrough")
    model = make_pipeline(first, LogisticRegression(max_iter=500)).fit(table, IS_SAVED)
    file = tmp_path / "model.pkl"
    file.write_bytes(pickle.dumps({"model": model, "columns": ["sex", "fare"]}))
    client = Client(build_application(Settings.from_environment({"MODEL_FILE": str(file)})).wsgi)

    given = DOORS[door](client, [dict(zip(names, row, strict=True)) for row in table[:6].tolist()], tmp_path)

    assert [answer.prediction for answer in given] == model.predict(table[:6]).tolist()


def others_of(served: Served) -> list[Row]:
    first = served.rows[0]
    changed = [{**first, name: value} for name in first for value in OTHER_VALUES]
    return [*served.rows, *changed]


def answered(served: Served, row: Row) -> Answer | None:
    """Give the answer to one row; None if it is refused, which must be for a reason that names the field."""
    try:
        return together(served.client, [row], served.folder)[0]
    except Refused as refused:
        status, error = refused.args
        if error["code"] == "refused_by_model":
            # The model itself says what it does not take of the row.
            assert (status, error["details"]["count"]) == (422, 1)
            return None
        if status == 500 and any(feature["type"] == "any" for feature in served.model["features"]):
            # Of these columns nothing is known, and the model itself fails for the value.
            assert error["message"].startswith("The model itself failed"), (row, error)
            return None
        assert status == 400, (row, error)
        assert any(problem["field"] in row for problem in error["details"]["fields"]), (row, error)
        return None


def test_a_feature_that_is_absent_is_named(served: Served) -> None:
    first = served.rows[0]
    for feature in served.model["features"]:
        row = {name: value for name, value in first.items() if name != feature["name"]}
        if not feature["required"] or not row:
            continue
        with pytest.raises(Refused) as refused:
            together(served.client, [row], served.folder)
        assert feature["name"] in refused.value.args[1]["message"]


def test_every_feature_is_required_that_the_model_looks_at(served: Served) -> None:
    assert [feature["name"] for feature in served.model["features"] if not feature["required"]] == []


@pytest.mark.parametrize("change", ["blank", "case"])
def test_a_heading_that_is_nearly_a_feature_is_asked_about(served: Served, change: str) -> None:
    first, *others = served.rows[0]
    heading = f"{first}  " if change == "blank" else first.swapcase()
    if heading == first or has_two_readings(served):
        return
    source = write_csv(served.rows, served.folder / "changed.csv", [heading, *others])

    with pytest.raises(InferError) as error:
        predict_file(
            [LocalClient(served.client)],
            source,
            None,
            standard_output=io.StringIO(),
            on_rows=lambda *_: None,
            options=BulkOptions(batch_rows=10),
        )
    assert first.strip() in f"{error.value.message} {error.value.detail} {error.value.hint}"


def test_the_inspection_tells_the_same_kind_and_features(served: Served) -> None:
    inspection = inspect_model(served.file)

    assert inspection.kind == served.model["kind"]
    if inspection.estimator is not None and inspection.estimator.class_path.startswith("catboost."):
        # A pickle holds CatBoost's own format, which the inspection does not read.
        return
    assert inspection.features is not None
    told = [(one["name"], one["type"], one["required"], one["nullable"]) for one in served.model["features"]]
    assert [(one.name, one.type, one.required, one.nullable) for one in inspection.features] == told
