from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from service.own_answers import own_answers, spread

if TYPE_CHECKING:
    from collections.abc import Callable

    from service.loading.model_file import LoadedModel

    Load = Callable[[object], LoadedModel]


def test_each_row_is_answered_as_the_model_answers_it_alone(load: Load, classifier: Any, iris: Any) -> None:
    table = iris[0].head(3)

    outcome = own_answers(load(classifier), {"rows": table.to_dict("records")})

    assert [answer["prediction"] for answer in outcome["answers"]] == list(classifier.predict(table))
    assert np.allclose(
        [answer["probabilities"] for answer in outcome["answers"]], classifier.predict_proba(table)
    )
    assert outcome["is_batched"] is True


def test_a_row_that_the_model_refuses_is_told_with_its_error(load: Load) -> None:
    pd = pytest.importorskip("pandas")
    table = pd.DataFrame({"color": ["red", "blue"] * 5})
    model = make_pipeline(OneHotEncoder(), LogisticRegression()).fit(table, [0, 1] * 5)

    outcome = own_answers(load(model), {"rows": [{"color": "red"}, {"color": "pink"}]})

    assert outcome["answers"][0]["prediction"] == 0
    assert outcome["answers"][1]["error"].startswith("ValueError: Found unknown categories")


def test_whole_numbers_reach_the_model_exactly(load: Load) -> None:
    pd = pytest.importorskip("pandas")
    table = pd.DataFrame({"id": [2**53, 2**53 + 1] * 10})
    model = make_pipeline(OneHotEncoder(), LogisticRegression(C=100.0)).fit(table, [0, 1] * 10)

    outcome = own_answers(load(model), {"rows": [{"id": 2**53}, {"id": 2**53 + 1}]})

    assert [answer["prediction"] for answer in outcome["answers"]] == [0, 1]


def test_texts_go_to_the_model_as_a_list(load: Load) -> None:
    model = make_pipeline(CountVectorizer(), LogisticRegression()).fit(["good", "bad"] * 5, ["+", "-"] * 5)

    outcome = own_answers(load(model), {})

    assert {answer["prediction"] for answer in outcome["answers"]} == {"+", "-"}


def test_all_rows_may_go_into_one_call(load: Load) -> None:
    outcome = own_answers(
        load(LinearRegression().fit(np.eye(2), [1.0, 2.0])),
        {"rows": [{"x0": 1.0, "x1": 0.0}, {"x0": 0.0, "x1": 1.0}], "together": True},
    )

    assert np.allclose([answer["prediction"] for answer in outcome["answers"]], [1.0, 2.0])


def test_given_rows_are_judged_over_all_of_them() -> None:
    rows: list[dict[str, Any]] = [{"x": number} for number in range(950)]

    chosen = [row["x"] for row in spread(rows)]

    assert chosen == list(range(0, 950, 10))


def test_columns_that_are_no_features_are_left_out(load: Load) -> None:
    model = LinearRegression().fit(np.eye(2), [1.0, 2.0])

    outcome = own_answers(load(model), {"rows": [{"x0": 1.0, "x1": 0.0, "id": "a"}]})

    assert outcome["rows"] == [{"x0": 1.0, "x1": 0.0}]


def test_a_model_is_asked_until_it_has_answered_enough_made_rows(load: Load, classifier: Any) -> None:
    every = own_answers(load(classifier), {})

    some = own_answers(load(classifier), {"enough": 20})

    assert len(every["answers"]) == 60
    assert (some["rows"], some["answers"]) == (every["rows"][:20], every["answers"][:20])
