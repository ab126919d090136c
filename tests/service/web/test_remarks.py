"""What answers say beside predictions: categories that are not known, results that JSON cannot write."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import TransformedTargetRegressor, make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.multioutput import MultiOutputRegressor
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask.testing import FlaskClient

    from tests.service.conftest import MakeClient

SEX = pd.DataFrame({"sex": ["female", "male"] * 10, "age": np.arange(20.0)})
SURVIVED = np.resize([1, 0, 0], 20)
WARNING = {
    "field": "sex",
    "problem": "unknown_category",
    "value": "femal",
    "message": 'sex is no category that the model knows: "femal" (did you mean "female"?)',
}


def encoded(encoder: Any, *, compiled: bool = True) -> Any:
    """Give a pipeline with an encoder; the service compiles it, or leaves it to scikit-learn."""
    last = LogisticRegression() if compiled else KNeighborsClassifier(1)
    encoders = make_column_transformer((encoder, ["sex"]), remainder="passthrough", sparse_threshold=0)
    return make_pipeline(encoders, last).fit(SEX, SURVIVED)


@pytest.mark.parametrize("compiled", [pytest.param(True, id="compiled"), pytest.param(False, id="the model")])
@pytest.mark.parametrize(
    "encoder",
    [
        pytest.param(OneHotEncoder(handle_unknown="ignore"), id="columns"),
        pytest.param(OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1), id="codes"),
    ],
)
class TestUnknownCategories:
    def test_a_row_with_one_has_a_warning(
        self, encoder: Any, make_client: MakeClient, *, compiled: bool
    ) -> None:
        client = make_client(encoded(encoder, compiled=compiled))
        rows = [{"sex": "male", "age": 1}, {"sex": "femal", "age": 1}]

        posted = client.post("/prediction", json={"rows": rows}).get_json()
        asked = client.get("/prediction?sex=femal&age=1").get_json()
        known = client.get("/prediction?sex=female&age=1").get_json()

        assert posted["warnings"] == [{"row": 1, **WARNING}]
        assert asked["warnings"] == [WARNING]
        assert "warnings" not in known
        assert posted["predictions"][1] == asked["prediction"]

    def test_with_the_setting_it_is_an_error(
        self, encoder: Any, make_client: MakeClient, *, compiled: bool
    ) -> None:
        client = make_client(encoded(encoder, compiled=compiled), refuses_unknown=True)

        error = client.get("/prediction?sex=femal&age=1").get_json()["error"]

        assert [field["problem"] for field in error["details"]["fields"]] == ["unknown_category"]
        assert '(did you mean "female"?)' in error["message"]
        assert client.get("/model").get_json()["features"][0]["accepts_others"] is False


def test_a_category_of_boosting_that_is_read_as_missing_has_a_warning(make_client: MakeClient) -> None:
    table = SEX.assign(sex=SEX["sex"].astype("category"))
    model = HistGradientBoostingClassifier(max_iter=2, categorical_features="from_dtype").fit(table, SURVIVED)
    client = make_client(model)

    answer = client.get("/prediction?sex=femal&age=1").get_json()

    assert answer["warnings"] == [WARNING]
    assert answer["prediction"] == client.get("/prediction?sex=&age=1").get_json()["prediction"]


def test_of_many_warnings_some_are_listed_and_all_counted(make_client: MakeClient) -> None:
    client = make_client(encoded(OneHotEncoder(handle_unknown="ignore")))

    answer = client.post("/prediction", json={"rows": [{"sex": "x", "age": 1}] * 60}).get_json()

    assert len(answer["warnings"]) == 50
    assert answer["warning_count"] == 60


@pytest.mark.filterwarnings("ignore:overflow encountered in exp:RuntimeWarning")
class TestNonFinite:
    @pytest.fixture
    def client(self, make_client: MakeClient) -> FlaskClient:
        table = pd.DataFrame({"x": np.linspace(1, 10, 50)})
        model = TransformedTargetRegressor(LinearRegression(), func=np.log, inverse_func=np.exp)
        return make_client(model.fit(table, np.exp(table["x"] * 3)))

    def test_a_result_that_json_cannot_write_is_named(self, client: FlaskClient) -> None:
        rows = [{"x": 2.0}, {"x": 400.0}]

        posted = client.post("/prediction", json={"rows": rows}).get_json()
        one = client.post("/prediction", json=rows[1]).get_json()
        asked = client.get("/prediction?x=400").get_json()
        finite = client.get("/prediction?x=2").get_json()

        assert posted["predictions"] == [pytest.approx(np.exp(6)), None]
        assert posted["non_finite"] == [{"row": 1, "field": "prediction", "value": "inf"}]
        assert one == {
            "predictions": [None],
            "non_finite": [{"row": 0, "field": "prediction", "value": "inf"}],
        }
        assert asked["prediction"] is None
        assert asked["non_finite"] == [{"field": "prediction", "value": "inf"}]
        assert "non_finite" not in finite

    def test_of_many_some_are_listed_and_all_counted(self, client: FlaskClient) -> None:
        answer = client.post("/prediction", json={"rows": [{"x": 400}] * 1200}).get_json()

        assert len(answer["non_finite"]) == 1000
        assert answer["non_finite_count"] == 1200

    def test_of_a_list_the_place_is_named(self, make_client: MakeClient) -> None:
        table = pd.DataFrame({"x": np.linspace(1, 10, 50)})
        inner = MultiOutputRegressor(LinearRegression())
        model = TransformedTargetRegressor(inner, func=np.log, inverse_func=np.exp)
        client = make_client(model.fit(table, np.exp(np.c_[table["x"], -3 * table["x"]])))

        answer = client.get("/prediction?x=1000").get_json()

        assert answer["non_finite"] == [{"field": "prediction[0]", "value": "inf"}]

    def test_of_probabilities_the_class_is_named(
        self, make_client: MakeClient, make_instance: Callable[[str, str], object]
    ) -> None:
        code = """
class Unsure:
    n_features_in_ = 1
    classes_ = ["no", "yes"]
    def predict(self, table):
        return ["no"] * len(table)
    def predict_proba(self, table):
        return [[float("nan"), float("-inf")] for _ in table]
"""
        answer = make_client(make_instance("Unsure", code)).post("/prediction", json={"x0": 1}).get_json()

        assert answer["probabilities"] == [{"no": None, "yes": None}]
        assert answer["non_finite"] == [
            {"row": 0, "field": "probabilities.no", "value": "nan"},
            {"row": 0, "field": "probabilities.yes", "value": "-inf"},
        ]


def test_a_label_that_looks_like_null_is_no_such_result(
    make_client: MakeClient, make_instance: Callable[[str, str], object]
) -> None:
    code = """
class Null:
    n_features_in_ = 1
    def predict(self, table):
        return ["null"] * len(table)
"""
    answer = make_client(make_instance("Null", code)).get("/prediction?x0=1").get_json()

    assert answer == {"inputs": {"x0": 1.0}, "prediction": "null"}


BREAKING = """
class Breaking:
    n_features_in_ = 1
    def predict(self, table):
        return [1 // int(row[0]) for row in table]
"""


@pytest.mark.parametrize("count", [2, 5, 64])
def test_the_row_for_which_a_model_fails_is_named(
    count: int,
    make_client: MakeClient,
    make_instance: Callable[[str, str], object],
    caplog: pytest.LogCaptureFixture,
) -> None:
    client = make_client(make_instance("Breaking", BREAKING))
    rows = [{"x0": int(at != count - 2)} for at in range(count)]

    with caplog.at_level(logging.ERROR, logger="service"):
        response = client.post("/prediction", json={"rows": rows})

    error = response.get_json()["error"]
    assert response.status_code == 500
    assert error["code"] == "internal_error"
    assert error["details"] == {"exception": "ZeroDivisionError", "row": count - 2}
    assert f"The model itself failed for row {count - 2}, with ZeroDivisionError" in error["message"]
    assert "ZeroDivisionError: " in caplog.text


REFUSING = """
class Refusing:
    n_features_in_ = 1
    def predict(self, table):
        if (table < 0).any():
            raise ValueError("a length must be positive\\nnot less than 0")
        return [float(row[0]) for row in table]
"""
BROKEN = """
class Broken:
    n_features_in_ = 1
    def predict(self, table):
        raise ValueError("the lengths were not loaded")
"""
TOGETHER = """
class Together:
    n_features_in_ = 1
    def predict(self, table):
        if len(table) > 1:
            raise ValueError("one row only")
        return [1.0]
"""


def test_a_row_that_the_model_itself_refuses_is_named_with_its_reason(
    make_client: MakeClient, make_instance: Callable[[str, str], object]
) -> None:
    client = make_client(make_instance("Refusing", REFUSING))

    response = client.post("/prediction", json={"rows": [{"x0": 1}, {"x0": -1}, {"x0": -2}]})
    query = client.get("/prediction?x0=-1")

    message = "row 1: the model itself refuses it: a length must be positive"
    entry = {"field": None, "problem": "refused_by_model", "row": 1, "message": message}
    assert response.status_code == query.status_code == 422
    assert response.get_json()["error"] == {
        "code": "refused_by_model",
        "message": message,
        "details": {"count": 1, "fields": [entry]},
    }
    reason = "The model itself refuses this row: a length must be positive"
    assert query.get_json()["error"]["message"] == reason
    assert client.get("/prediction?x0=1").get_json()["prediction"] == 1.0


@pytest.mark.parametrize(
    ("code", "name", "details"),
    [
        pytest.param(BROKEN, "Broken", {"exception": "ValueError", "row": 0}, id="it answers no row"),
        pytest.param(TOGETHER, "Together", {"exception": "ValueError"}, id="it answers each row alone"),
    ],
)
def test_a_model_that_fails_for_other_reasons_than_a_row_refuses_none(
    make_client: MakeClient,
    make_instance: Callable[[str, str], object],
    code: str,
    name: str,
    details: dict[str, object],
) -> None:
    client = make_client(make_instance(name, code))

    response = client.post("/prediction", json={"rows": [{"x0": 1}, {"x0": 2}]})

    assert response.status_code == 500
    assert response.get_json()["error"]["details"] == details


def test_a_model_that_fails_for_the_only_row(
    make_client: MakeClient, make_instance: Callable[[str, str], object]
) -> None:
    error = make_client(make_instance("Breaking", BREAKING)).get("/prediction?x0=0").get_json()["error"]

    assert error["details"] == {"exception": "ZeroDivisionError"}
    assert "failed for this request" in error["message"]


@pytest.mark.parametrize(
    ("path", "line"),
    [
        pytest.param(
            "/prediction?x0=wide", 'GET /prediction refused: x0 is not a number: "wide"', id="value"
        ),
        pytest.param("/nothing", "GET /nothing refused: There is nothing at /nothing.", id="path"),
        pytest.param(
            "/prediction?x0=1&a%0Ab=1",
            r'GET /prediction refused: "a\nb" is not a feature of the model',
            id="a line break in a name",
        ),
    ],
)
def test_a_refusal_is_one_line_of_the_log(
    path: str,
    line: str,
    make_client: MakeClient,
    make_instance: Callable[[str, str], object],
    caplog: pytest.LogCaptureFixture,
) -> None:
    client = make_client(make_instance("Breaking", BREAKING))

    with caplog.at_level(logging.INFO, logger="service"):
        client.get(path)

    assert [record.getMessage() for record in caplog.records if record.name == "service"] == [line]


def test_a_long_refusal_is_cut(
    make_client: MakeClient,
    make_instance: Callable[[str, str], object],
    caplog: pytest.LogCaptureFixture,
) -> None:
    client = make_client(make_instance("Breaking", BREAKING))

    with caplog.at_level(logging.INFO, logger="service"):
        client.post(
            "/prediction",
            data=json.dumps({"rows": [{"y" * 90: 1, "z" * 90: 1}] * 20}),
            content_type="application/json",
        )

    (record,) = [record for record in caplog.records if record.name == "service"]
    assert record.getMessage().endswith("…")
    assert len(record.getMessage()) == 401
