from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from werkzeug.test import Client

from service.application import build_application
from service.errors import ModelUnloadable
from service.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sklearn.linear_model import LogisticRegression


def test_from_settings_to_answers(classifier: LogisticRegression, save: Callable[..., Path]) -> None:
    application = build_application(Settings(save(classifier)))

    answer = Client(application.wsgi).get("/prediction?slength=5.1&swidth=3.5&plength=1.4&pwidth=0.2")

    assert answer.get_json()["prediction"] == "setosa"
    assert application.meter.totals().answers["/prediction", 200] == 1
    assert application.slot.served.predictor.model.name == "LogisticRegression"


def test_a_file_that_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(ModelUnloadable, match="there is no such file"):
        build_application(Settings(tmp_path / "model.pkl"))
