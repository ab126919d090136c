from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from werkzeug.test import Client

from service.application import build_application
from service.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sklearn.linear_model import LogisticRegression

QUERY = "/prediction?slength=5.1&swidth=3.5&plength=1.4&pwidth=0.2"


@pytest.fixture
def draining(classifier: LogisticRegression, save: Callable[..., Path]) -> Client:
    """A client of an application that is to end."""
    return Client(build_application(Settings(save(classifier), health_route="/well")).draining)


@pytest.mark.parametrize("path", ["/readyz", "/v2/health/ready", "/ping", "/well"])
def test_a_service_that_is_to_end_is_not_ready(draining: Client, path: str) -> None:
    response = draining.get(path)

    assert (response.status_code, response.json) == (503, {"status": "stopping"})
    assert response.headers["Connection"] == "close"
    assert draining.head(path).data == b""


@pytest.mark.parametrize(("path", "status"), [(QUERY, 200), ("/livez", 200), ("/prediction", 400)])
def test_every_answer_is_the_last_of_its_connection(draining: Client, path: str, status: int) -> None:
    response = draining.get(path)

    assert response.status_code == status
    assert response.headers.getlist("Connection") == ["close"]
