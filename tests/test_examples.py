"""What each example has, and the example that `infer init` writes."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import Finished

_EXAMPLES = Path(__file__).parents[1] / "examples"
_NAMES = sorted(path.parent.name for path in _EXAMPLES.glob("*/train.py"))


def test_the_index_names_every_example() -> None:
    index = (_EXAMPLES / "README.md").read_text()

    assert re.findall(r"^\| \[([\w-]+)\]\(\1/README.md\) \|", index, re.MULTILINE) == [
        "iris",
        "mixed-table",
        "text",
        "regression",
        "own-transformer",
    ]
    assert sorted(path.parent.name for path in _EXAMPLES.glob("*/README.md")) == _NAMES
    assert len(_NAMES) == 5


@pytest.mark.parametrize("name", _NAMES)
def test_a_script_names_the_packages_that_uv_fetches_for_it(name: str) -> None:
    script = (_EXAMPLES / name / "train.py").read_text()

    header = re.match(r"# /// script\n((?:#.*\n)*?)# ///\n", script)

    assert header
    needs = tomllib.loads(re.sub(r"^# ?", "", header[1], flags=re.MULTILINE))
    packages = {re.split(r"\W", need.replace("-", "_"))[0] for need in needs["dependencies"]}
    assert needs["requires-python"] == ">=3.11"
    assert packages == {"pandas", "scikit_learn"}


def test_infer_init_writes_the_iris_example(infer: Callable[..., Finished], tmp_path: Path) -> None:
    infer("init", str(tmp_path / "new"))

    written = (tmp_path / "new" / "train.py").read_text()

    assert written == (_EXAMPLES / "iris" / "train.py").read_text()
