from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from infer_cli.image.derived import derived_name
from infer_cli.image.name import ImageName


@pytest.mark.parametrize(
    ("folder", "stem", "expected"),
    [
        pytest.param("/home/ada/iris", None, "iris", id="the folder"),
        pytest.param("/home/ada/iris", "model", "iris", id="a file whose name says nothing"),
        pytest.param("/home/ada/iris/data", "model", "iris", id="a folder whose name says nothing"),
        pytest.param("/home/ada/iris", "churn_v2", "churn_v2", id="a file"),
        pytest.param(
            "/home/ada", "Größe & Preis (final)", "groe-preis-final", id="letters that no image has"
        ),
        pytest.param("/home/ada/Kunden", "model", "kunden", id="capitals"),
        pytest.param("/srv/churn/mlruns/0/0123456789abcdef/artifacts/model", None, "churn", id="MLflow"),
        pytest.param("/data/models", "model", "model", id="nothing that says anything"),
        pytest.param("/", "__", "model", id="nothing at all"),
    ],
)
def test_the_first_name_that_says_something_is_taken(folder: str, stem: str | None, expected: str) -> None:
    assert str(derived_name(Path(folder), stem)) == f"{expected}:latest"


def test_every_name_is_valid() -> None:
    random = Random(0)  # noqa: S311 (names, not secrets)
    letters = "aZ09._- ßéж🙂\n:@" + "-._" * 3

    for _ in range(3000):
        text = "".join(random.choices(letters, k=random.randint(1, 160)))
        name = derived_name(Path("/data"), text)
        assert ImageName.parse(str(name)) == name, text
