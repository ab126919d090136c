from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from infer_cli.plan.settings import environment_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import Finished


@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param(("Iris",), "'Iris' is not a valid image name", id="wrong tag"),
        pytest.param(("iris", "--restart", "never"), "--restart never is not known", id="unknown restart"),
        pytest.param(("iris", "--pull", "often"), "--pull often is not known", id="unknown pull"),
        pytest.param(("iris", "--restart", "always"), "--restart needs -d", id="restart in the foreground"),
        pytest.param(("iris", "--new-privileges"), "--new-privileges needs --egress", id="privileges alone"),
        pytest.param(("iris", "--env", "A"), "--env A is not a setting", id="no value"),
        pytest.param(("iris", "--env", "=1"), "--env =1 is not a setting", id="no name"),
        pytest.param(("iris", "--model-file", "m.pkl"), "--model-file needs --model-dir", id="no folder"),
    ],
)
def test_options_that_contradict_each_other_are_wrong_usage(
    infer: Callable[..., Finished], options: tuple[str, ...], message: str
) -> None:
    finished = infer("run", *options)

    assert finished.exit_code == 2
    assert f"error: {message}" in finished.stderr


@pytest.mark.parametrize(
    ("given", "workers", "expected"),
    [
        pytest.param([], None, {}, id="nothing"),
        pytest.param(["A=1", "B=x=y", "C="], None, {"A": "1", "B": "x=y", "C": ""}, id="settings"),
        pytest.param(["A=1", "A=2"], None, {"A": "2"}, id="the last wins"),
        pytest.param([], 3, {"WORKERS": "3"}, id="workers"),
    ],
)
def test_settings_become_variables(given: list[str], workers: int | None, expected: dict[str, str]) -> None:
    assert environment_of(given, workers, ()) == expected


def test_egress_is_a_setting() -> None:
    assert environment_of(["EGRESS=0"], None, (), egress=True) == {"EGRESS": "1"}
