from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from infer_cli.commands.ps import _note, _record, _table
from infer_cli.running.status import ServiceStatus
from tests.running.conftest import make_service

if TYPE_CHECKING:
    from infer_cli.running.model_mount import OnDisk

RUNNING = ServiceStatus(
    replace(make_service("127.0.0.1", 5000), model="model.pkl", model_folder="/my data"),
    url="http://localhost:5000",
    health="healthy",
    model_on_disk="same",
    age=timedelta(minutes=3),
)
ENDED = ServiceStatus(
    make_service(None, None, "exited"), url=None, health="exited", model_on_disk=None, age=None
)


def test_a_service_is_a_line() -> None:
    changed = replace(RUNNING, model_on_disk="changed")

    assert _table((RUNNING, changed, ENDED)).splitlines() == [
        "NAME  URL                    HEALTH   MODEL                IMAGE    AGE",
        "iris  http://localhost:5000  healthy  model.pkl            iris:v1  3 min",
        "iris  http://localhost:5000  healthy  model.pkl (changed)  iris:v1  3 min",
        "iris  -                      exited   -                    iris:v1  -",
    ]


def test_a_script_gets_null_for_what_an_ended_service_does_not_have() -> None:
    assert _record(RUNNING)["age_s"] == 180
    assert _record(ENDED) == {
        "name": "iris",
        "url": None,
        "state": "exited",
        "health": "exited",
        "model": None,
        "model_on_disk": None,
        "model_refused": None,
        "image": "iris:v1",
        "age_s": None,
        "id": "0",
    }


@pytest.mark.parametrize(
    ("on_disk", "expected"),
    [
        pytest.param("same", None, id="the same"),
        pytest.param(None, None, id="not known"),
        pytest.param(
            "missing", "iris: /my data/model.pkl is gone; a restart would not find it", id="missing"
        ),
        pytest.param(
            "changed",
            "iris: /my data/model.pkl changed on disk; to serve it now:\n  infer reload iris",
            id="changed",
        ),
    ],
)
def test_a_changed_model_file_is_noted_with_commands(on_disk: OnDisk | None, expected: str | None) -> None:
    assert _note(replace(RUNNING, model_on_disk=on_disk)) == expected


def test_a_model_file_that_the_service_refuses_is_noted_with_the_reason() -> None:
    refused = replace(RUNNING, model_on_disk="changed", refusal="it is cut short")

    assert _note(refused) == "iris: /my data/model.pkl changed on disk, and is not served: it is cut short"
    assert _record(refused)["model_refused"] == "it is cut short"
