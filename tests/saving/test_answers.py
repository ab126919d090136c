from __future__ import annotations

import pytest

from infer_cli.saving import answers as saved
from service.protocols import answers as served


@pytest.mark.parametrize("classes", [[0, 1], [1, "1"], [True, "True", "True_2"], ["a", "a_2", "a"]], ids=str)
def test_classes_are_named_as_in_the_answers_of_a_service(classes: list[object]) -> None:
    assert saved.class_names(classes) == served.class_names(classes)
