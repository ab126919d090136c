from __future__ import annotations

import pytest

from infer_cli.engine.rerun import user_environment


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param(["PATH=/bin", "MODEL_FILE=/data/a.pkl", "TRUST=a"], {}, id="of the image and of infer"),
        pytest.param(["MODEL_NAME=iris"], {}, id="the name that infer gives"),
        pytest.param(["ALLOWED_HOSTS=iris"], {}, id="the host name that infer allows"),
        pytest.param(["ALLOWED_HOSTS=a,iris"], {"ALLOWED_HOSTS": "a,iris"}, id="host names of the user"),
        pytest.param(["MODEL_NAME=iris,flowers"], {"MODEL_NAME": "iris,flowers"}, id="names of the user"),
        pytest.param(["PATH=/usr/bin", "A=b=c"], {"PATH": "/usr/bin", "A": "b=c"}, id="others of the user"),
    ],
)
def test_the_variables_of_the_user_are_kept(given: list[str], expected: dict[str, str]) -> None:
    assert user_environment(given, ["PATH=/bin"], name="iris") == expected
