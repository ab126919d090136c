from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from infer_cli.plan.run import ModelMount, RunPlan, Safety, needs_tokens

VERSION = "1.2.3"
DIGEST = 32 * "ab"
PATH_DIGEST = "sha256:71280a20e294ae7014baf076f00b4a99c5e655f3139a0d768825841031968c0b"
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
        pytest.param(None, {"MODEL_NAME": "a,b"}, {"MODEL_NAME": "a,b"}, id="names of the user"),
    ],
)
def test_the_environment_of_the_container(
    mount: ModelMount | None, environment: dict[str, str], expected: dict[str, str]
) -> None:
    plan = RunPlan(image="iris:v1", name="iris", host_port=5000, model=mount, environment=environment)

    # The model is called as the service, unless the user says otherwise.
    assert plan.all_environment == {"MODEL_NAME": "iris", "ALLOWED_HOSTS": "iris", **expected}


@pytest.mark.parametrize(
    ("host_ip", "given", "expected"),
    [
        pytest.param("127.0.0.1", None, "iris", id="this machine, and other containers"),
        pytest.param("::1", None, "iris", id="IPv6"),
        pytest.param("127.0.0.1", "models.example", "models.example,iris", id="a proxy"),
        pytest.param("127.0.0.1", "a,iris", "a,iris", id="as read from a container"),
        pytest.param("127.0.0.1", "*", "*", id="any name"),
        pytest.param("127.0.0.1", '["a"]', '["a"]', id="a list in JSON"),
        pytest.param("0.0.0.0", None, None, id="the network knows the machine by any name"),  # noqa: S104 (compared)
        pytest.param("0.0.0.0", "a", "a,iris", id="the network, by some names"),  # noqa: S104 (compared)
    ],
)
def test_the_names_under_which_a_service_answers(
    host_ip: str, given: str | None, expected: str | None
) -> None:
    environment = {} if given is None else {"ALLOWED_HOSTS": given}
    plan = RunPlan(image="iris:v1", name="iris", host_port=5000, host_ip=host_ip, environment=environment)

    assert plan.all_environment.get("ALLOWED_HOSTS") == expected


def test_a_program_in_place_of_the_service_has_no_name_of_a_model() -> None:
    plan = RunPlan(image="iris:v1", name="iris", host_port=None, command=("python", "-m", "service.check"))

    assert plan.all_environment == {}


@pytest.mark.parametrize(
    ("mount", "expected"),
    [
        pytest.param(None, {}, id="no model"),
        pytest.param(
            MOUNT,
            {
                "infer.model.digest": f"sha256:{DIGEST}",
                "infer.model.file": "sub/model.pkl",
                "infer.model.origin": PATH_DIGEST,
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


def test_a_service_has_no_way_out_unless_it_is_given() -> None:
    plan = RunPlan(image="iris:v1", name="iris", host_port=5000)

    assert not plan.has_egress
    assert not replace(plan, environment={"EGRESS": "0"}).has_egress
    assert replace(plan, environment={"EGRESS": "1"}).has_egress


def test_a_plan_can_move_to_another_port() -> None:
    plan = RunPlan(image="iris:v1", name="iris", host_port=5000, model=MOUNT)

    assert plan.at_port(5001) == replace(plan, host_port=5001)
    assert plan.host_port == 5000


@pytest.mark.parametrize(
    ("host_ip", "environment", "wanted", "expected"),
    [
        pytest.param("127.0.0.1", {}, None, False, id="this machine alone"),
        pytest.param("127.0.0.1", {}, True, True, id="this machine, with --auth"),
        pytest.param("0.0.0.0", {}, None, True, id="the network"),  # noqa: S104 (compared)
        pytest.param("192.168.1.2", {}, None, True, id="one network"),
        pytest.param("0.0.0.0", {}, False, False, id="the network, with --no-auth"),  # noqa: S104 (compared)
        pytest.param("0.0.0.0", {"TOKENS_FILE": "/x"}, None, False, id="tokens of the user"),  # noqa: S104 (compared)
    ],
)
def test_a_service_that_others_reach_asks_for_tokens(
    host_ip: str,
    environment: dict[str, str],
    wanted: bool | None,  # noqa: FBT001 (a parameter of pytest)
    expected: bool,  # noqa: FBT001 (a parameter of pytest)
) -> None:
    assert needs_tokens(host_ip, environment, wanted=wanted) == expected


def test_the_container_sees_the_tokens_and_says_whose_they_are() -> None:
    folder = Path("/home/ada/shared")
    plan = RunPlan("iris:v1", "iris", 5000, access="ab12", access_folder=folder, has_tokens=True)

    assert plan.all_environment["TOKENS_FILE"] == "/run/infer/tokens"
    assert "TLS_KEY" not in plan.all_environment
    assert plan.labels["infer.access"] == "ab12"
    # What is removed at the end of a command takes no tokens with it.
    assert "infer.access" not in replace(plan, is_temporary=True).labels


def test_the_container_sees_the_certificate_and_its_key() -> None:
    folder = Path("/home/ada/shared")
    plan = RunPlan("iris:v1", "iris", 5000, access="ab12", access_folder=folder, has_certificate=True)

    assert plan.all_environment["TLS_CERTIFICATE"] == "/run/infer/certificate.pem"
    assert plan.all_environment["TLS_KEY"] == "/run/infer/key.pem"
    assert "TOKENS_FILE" not in plan.all_environment
