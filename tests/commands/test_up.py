from __future__ import annotations

import pytest

from infer_cli.commands.up import _no_model_either
from infer_cli.errors import ImageNotFound

MESSAGE = "there is no image irs:latest on this engine"


@pytest.mark.parametrize(
    ("word", "message"),
    [
        pytest.param(
            "irs", "there is no file or folder irs, and no image irs:latest on this engine", id="a word"
        ),
        pytest.param(None, MESSAGE, id="a model was found"),
    ],
)
def test_a_word_that_names_neither_is_told_to_be_no_model_either(word: str | None, message: str) -> None:
    with pytest.raises(ImageNotFound) as raised, _no_model_either(word):
        raise ImageNotFound(MESSAGE)

    assert raised.value.message == message
