"""What the user's own code imports: the packages of the image follow from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from infer_cli.plan.code_imports import imports_of
from infer_cli.plan.own_code import collect_code

if TYPE_CHECKING:
    from pathlib import Path


def test_imports_are_followed_from_the_used_modules(tmp_path: Path) -> None:
    """A module that the model does not reach, such as the training script, adds nothing."""
    package = tmp_path / "own"
    (package / "deep").mkdir(parents=True)
    (package / "__init__.py").write_text("import numpy\n")
    (package / "steps.py").write_text("from . import helpers\nfrom .deep.parts import thing\nimport os\n")
    (package / "helpers.py").write_text("def late():\n    import scipy.sparse\n")
    (package / "deep" / "__init__.py").write_text("")
    (package / "deep" / "parts.py").write_text("from ..other import thing\n")
    (package / "other.py").write_text("from pandas import DataFrame as thing\n")
    (package / "train.py").write_text("import mlflow\n")
    code = collect_code([package])
    assert imports_of(code, {"own.steps", "sklearn.pipeline"}) == {"numpy", "pandas", "scipy"}


@pytest.mark.parametrize(
    "source",
    [
        "try:\n    import torch\nexcept ImportError:\n    torch = None\n",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import torch\n",
        "import typing\nif typing.TYPE_CHECKING:\n    import torch\n",
        "import torch this is no Python",
    ],
    ids=["try", "type checkers", "type checkers by module", "no Python"],
)
def test_what_need_not_be_there_does_not_count(source: str, tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(source)
    assert imports_of(collect_code([tmp_path / "own.py"]), {"own"}) == set()
