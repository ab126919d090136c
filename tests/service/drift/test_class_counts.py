"""The counts by class are those of the answers, whatever the model and the request."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from prometheus_client.parser import text_string_to_metric_families
from sklearn.ensemble import IsolationForest, RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import MultiOutputClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from service.drift.class_counts import MOST_CLASSES

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask.testing import FlaskClient

    MakeClient = Callable[..., FlaskClient]

CHANCE = np.random.default_rng(5)
TABLE = CHANCE.normal(size=(60, 2))
POSITIVE = TABLE[:, 0] > 0
LABELS = {
    "text": np.where(POSITIVE, 'a "b"\n', "c"),
    "numbers": np.where(POSITIVE, 3, -7),
    "booleans": POSITIVE,
    "floats": np.where(POSITIVE, 0.0, 2.0),
    "dates": np.where(POSITIVE, np.datetime64("2024-01-31"), np.datetime64("1999-12-01")),
}
OUTPUTS = np.column_stack([np.where(POSITIVE, "up", "down"), np.where(TABLE[:, 1] > 0, "left", "right")])
HOLDS = np.column_stack([POSITIVE, TABLE[:, 1] > 0, TABLE.sum(axis=1) > 0]).astype(int)


def counted(client: FlaskClient) -> dict[tuple[str, ...], float]:
    """Give the counts by the values of their labels."""
    families = [*text_string_to_metric_families(client.get("/metrics").text)]
    samples = [
        one for family in families for one in family.samples if family.name == "infer_predicted_classes"
    ]
    named = [(one.labels, one.value) for one in samples if one.name.endswith("_total")]
    return {
        tuple(labels[name] for name in ("output", "class") if name in labels): count
        for labels, count in named
    }


def ask(client: FlaskClient, rows: Any) -> list[Any]:
    """Ask for each row alone, by query and by body, and then for all rows."""
    objects = [{"x0": one, "x1": other} for one, other in rows.tolist()]
    queries = [client.get("/prediction", query_string=one).get_json()["prediction"] for one in objects]
    alone = [client.post("/prediction", json=one).get_json()["predictions"][0] for one in objects]
    return [*queries, *alone, *client.post("/prediction", json={"rows": objects}).get_json()["predictions"]]


@pytest.mark.parametrize("labels", LABELS)
@pytest.mark.parametrize("model", [LogisticRegression(), KNeighborsClassifier(1), RandomForestClassifier(3)])
def test_they_are_those_of_the_answers(labels: str, model: Any, make_client: MakeClient) -> None:
    client = make_client(model.fit(TABLE[: len(LABELS[labels])], LABELS[labels]))

    answers = Counter(
        answer if isinstance(answer, str) else repr(answer).lower() for answer in ask(client, TABLE[:9])
    )

    found = {name: count for (name,), count in counted(client).items()}
    assert {name: count for name, count in found.items() if count} == answers
    assert len(found) == 2


@pytest.mark.parametrize("model", [IsolationForest(n_estimators=5, random_state=1)])
def test_outliers_are_counted(model: IsolationForest, make_client: MakeClient) -> None:
    client = make_client(model.fit(TABLE))

    answers = Counter(map(str, ask(client, np.vstack([TABLE[:5], [[99.0, 99.0]]]))))

    assert counted(client) == {(name,): count for name, count in answers.items()}
    assert set(answers) == {"-1", "1"}


@pytest.mark.parametrize(
    "model",
    [DecisionTreeClassifier(), MultiOutputClassifier(LogisticRegression()), KNeighborsClassifier(1)],
    ids=lambda model: type(model).__name__,
)
def test_each_output_has_its_own_counts(model: Any, make_client: MakeClient) -> None:
    client = make_client(model.fit(TABLE, OUTPUTS))

    answers = ask(client, TABLE[:9])

    expected = Counter((str(output), name) for answer in answers for output, name in enumerate(answer))
    assert counted(client) == expected


def test_a_model_of_several_labels_counts_those_that_hold(make_client: MakeClient) -> None:
    client = make_client(OneVsRestClassifier(LogisticRegression()).fit(TABLE, HOLDS))

    answers = np.array(ask(client, TABLE[:9]))

    assert counted(client) == {(str(at),): count for at, count in enumerate(answers.sum(axis=0).tolist())}


def test_other_methods_than_the_answer_count_no_class(make_client: MakeClient) -> None:
    client = make_client(SVC().fit(TABLE, LABELS["text"]))

    client.post("/prediction?output=decision_function", json={"rows": [{"x0": 1, "x1": 1}]})
    assert set(counted(client).values()) == {0}
    client.post("/prediction?output=decision_function,predict", json={"rows": [{"x0": 1, "x1": 1}]})
    assert sum(counted(client).values()) == 1


@pytest.mark.parametrize("classes", [MOST_CLASSES, MOST_CLASSES + 1])
def test_a_model_with_too_many_classes_has_no_counts(classes: int, make_client: MakeClient) -> None:
    table = np.arange(2.0 * classes).reshape(-1, 2)
    client = make_client(KNeighborsClassifier(1).fit(np.tile(table, (2, 1)), np.tile(np.arange(classes), 2)))

    ask(client, table[:3])

    expected = {(str(at),): 3.0 if at < 3 else 0.0 for at in range(classes)}
    assert counted(client) == (expected if classes <= MOST_CLASSES else {})


def test_a_regressor_has_no_classes(make_client: MakeClient) -> None:
    client = make_client(LinearRegression().fit(TABLE, TABLE[:, 0]))

    ask(client, TABLE[:3])

    assert counted(client) == {}
