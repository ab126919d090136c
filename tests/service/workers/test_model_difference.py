from __future__ import annotations

from typing import Any

import pytest

from service.workers.model_difference import difference

BEFORE = {"kind": "classifier", "inputs": [["a", "number", True], ["b", "string", False]]}
OTHER = "its inputs are not those of the model that is served: "


@pytest.mark.parametrize(
    ("now", "said"),
    [
        ({}, ""),
        ({"kind": "regressor"}, "it is a regressor, and the model that is served is a classifier"),
        ({"inputs": [["a", "number", True]]}, f"{OTHER}lacks b"),
        ({"inputs": [*BEFORE["inputs"], ["c", "number", True]]}, f"{OTHER}also takes c"),
        ({"inputs": [["a", "string", True], ["b", "string", False]]}, f"{OTHER}a is string, was number"),
        (
            {"inputs": [["a", "number", True], ["b", "string", True]]},
            f"{OTHER}b may not be left out any more",
        ),
        ({"inputs": [["a", "number", False], ["b", "string", False]]}, ""),
        ({"inputs": [["b", "string", False], ["a", "number", True]]}, f"{OTHER}they have another order"),
    ],
)
def test_clients_can_ask_another_model_or_learn_why_not(now: dict[str, Any], said: str) -> None:
    assert difference(BEFORE, {**BEFORE, **now}) == said
