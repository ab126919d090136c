"""Everything that answers reads one slot: another model is served by one assignment."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from typing import TYPE_CHECKING, Any

import pytest
from sklearn.linear_model import LinearRegression

from service.application import make_served_model
from service.prediction.served_model import ModelSlot
from service.web.app import create_app
from service.web.fast_path import FastPath

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask.testing import FlaskClient
    from sklearn.linear_model import LogisticRegression

    from service.loading.model_file import LoadedModel

ROW = {"slength": 5.1, "swidth": 3.5, "plength": 1.4, "pwidth": 0.2}
QUERY = "/prediction?slength=5.1&swidth=3.5&plength=1.4&pwidth=0.2"


def answers_of(client: FlaskClient) -> dict[str, Any]:
    """What each kind of answer says of the model."""
    in_flask = client.post(
        "/prediction", json=ROW, headers={"Content-Type": "application/json; charset=utf-8"}
    )
    return {
        "query": client.get(QUERY).get_json()["prediction"],
        "fast path": client.post("/prediction", json=ROW).get_json()["predictions"],
        "flask": in_flask.get_json()["predictions"],
        "model": client.get("/model").get_json()["estimator"],
        "page": client.get("/", headers={"Accept": "text/html"}).text.count("<input"),
        "metrics": "LinearRegression" in client.get("/metrics").text,
    }


def test_another_model_is_served_by_one_assignment(
    classifier: LogisticRegression, iris: tuple[Any, Any], load: Callable[[object], LoadedModel]
) -> None:
    first = make_served_model(load(classifier))
    regression = LinearRegression().fit(iris[0], iris[0]["slength"])
    second = make_served_model(load(regression))
    slot = ModelSlot(first)
    app, _ = create_app(slot, max_body_bytes=10_000)
    assert isinstance(app.wsgi_app, FastPath)
    client = app.test_client()

    before = answers_of(client)
    slot.served = second
    after = answers_of(client)
    slot.served = first

    assert before["query"] == "setosa"
    assert before["fast path"] == before["flask"] == ["setosa"]
    assert (before["model"], before["metrics"]) == ("LogisticRegression", False)
    assert after["query"] == pytest.approx(5.1)
    assert after["fast path"] == after["flask"] == [after["query"]]
    assert (after["model"], after["metrics"]) == ("LinearRegression", True)
    assert answers_of(client) == before


def test_a_served_model_is_not_changed(
    classifier: LogisticRegression, load: Callable[[object], LoadedModel]
) -> None:
    loaded = load(classifier)

    served = make_served_model(loaded)

    assert served.digest == loaded.digest == served.description["digest"]
    assert served.features == loaded.model.features
    with pytest.raises(FrozenInstanceError):
        served.digest = "sha256:0"  # type: ignore[misc]
