"""The schema of a skops archive is written anew, with nothing but the judged parts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from service.errors import Forbidden, ModelUnloadable
from service.loading import skops_schema
from service.loading.model_file import load_model
from service.loading.policy import Policy
from service.loading.skops_schema import Schema

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sklearn.linear_model import LogisticRegression

    from tests.service.conftest import Json


def test_only_the_judged_parts_are_written() -> None:
    text = {"__class__": "str", "__module__": "builtins", "__loader__": "JsonNode", "content": "1"}
    hidden = {**text, "is_json": True, "file": "/etc/passwd", "extra": {"__class__": "system"}}
    schema: dict[str, Json] = {
        "__class__": "list",
        "__module__": "builtins",
        "__loader__": "ListNode",
        "content": [hidden, {**hidden, "__id__": 3}, {"__id__": 3}],
        "protocol": 2,
        "_skops_version": "9",
    }

    written = Schema(schema, Policy()).written

    assert written["content"][0] == {**text, "__id__": 1}
    assert written["content"][2]["__loader__"] == "CachedNode"
    assert written["content"][2]["__id__"] == written["content"][1]["__id__"]
    assert "system" not in json.dumps(written)


def test_more_objects_than_any_model_has_are_refused(
    classifier: LogisticRegression, save_skops: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(skops_schema, "NODES_MAX", 10)

    with pytest.raises(ModelUnloadable, match="more objects than any model has"):
        load_model(save_skops(classifier))


@pytest.mark.parametrize(
    "schema", [None, [], {}, {"protocol": 2}, {"protocol": 2, "__loader__": ["ListNode"]}]
)
def test_a_schema_without_an_object_is_refused(schema: object) -> None:
    with pytest.raises(Forbidden):
        Schema(schema, Policy())
