from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from infer_cli.plan.run import ModelMount, RunPlan, Safety

VERSION = "1.2.3"
DIGEST = 32 * "ab"
MOUNT = ModelMount(folder=Path("/home/ada/data"), file="sub/model.pkl", digest=DIGEST)


@pytest.fixture(autouse=True)
def _version(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fixed version, so that a release changes no label."""
    monkeypatch.setattr("infer_cli.plan.run.__version__", VERSION)


def test_a_service_is_locked_down_by_default() -> None:
    plan = RunPlan(image="iris:v1", name="iris", host_port=5000)

    assert plan.host_ip == "127.0.0.1"
    assert plan.limits.processes is not None
    assert plan.safety == Safety(user=None, read_only=True, added_capabilities=(), new_privileges=False)
    assert plan.restart == "no"
    assert not MOUNT.writable


@pytest.mark.parametrize(
    ("mount", "environment", "expected"),
    [
        pytest.param(None, {}, {}, id="nothing"),
        pytest.param(MOUNT, {}, {"MODEL_FILE": "/data/sub/model.pkl"}, id="a mounted model"),
        pytest.param(
            MOUNT,
            {"LOG_FORMAT": "json"},
            {"MODEL_FILE": "/data/sub/model.pkl", "LOG_FORMAT": "json"},
            id="a setting of the user",
        ),
        pytest.param(
            MOUNT, {"MODEL_FILE": "/x"}, {"MODEL_FILE": "/x"}, id="a setting that overrides one of infer"
        ),
    ],
)
def test_the_environment_of_the_container(
    mount: ModelMount | None, environment: dict[str, str], expected: dict[str, str]
) -> None:
    plan = RunPlan(image="iris:v1", name="iris", host_port=5000, model=mount, environment=environment)

    assert plan.all_environment == expected


@pytest.mark.parametrize(
    ("mount", "expected"),
    [
        pytest.param(None, {}, id="no model"),
        pytest.param(
            MOUNT,
            {
                "infer.model.digest": f"sha256:{DIGEST}",
                "infer.model.file": "sub/model.pkl",
                "infer.model.folder": "/home/ada/data",
            },
            id="a mounted model",
        ),
    ],
)
def test_the_labels_of_the_container(mount: ModelMount | None, expected: dict[str, str]) -> None:
    plan = RunPlan(image="iris:v1", name="iris", host_port=5000, model=mount)

    assert plan.labels == {"infer.service": VERSION, **expected}


def test_a_temporary_container_has_a_label_for_it() -> None:
    plan = RunPlan(image="iris:v1", name="iris", host_port=None, is_temporary=True)

    assert plan.labels == {"infer.service": VERSION, "infer.temporary": ""}


def test_a_plan_can_move_to_another_port() -> None:
    plan = RunPlan(image="iris:v1", name="iris", host_port=5000, model=MOUNT)

    assert plan.at_port(5001) == replace(plan, host_port=5001)
    assert plan.host_port == 5000
