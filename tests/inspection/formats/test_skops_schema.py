"""The names in a schema are found, with those among them that loading would call."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infer_cli.inspection.formats.skops_names import KNOWN
from infer_cli.inspection.formats.skops_schema import Schema
from tests.inspection.formats.skops_files import (
    archive,
    dictionary,
    instance,
    node,
    plain,
    sequence,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from infer_cli.errors import ModelUnreadable
    from infer_cli.inspection import Inspection


def test_names_are_found_at_any_depth(inspect_bytes: Callable[..., Inspection]) -> None:
    hidden = instance("mine.Thing", x=sequence(sequence(dictionary(y=node("os.system", "FunctionNode")))))

    inspection = inspect_bytes(archive(instance("mine.Model", part=hidden)))

    assert {"os.system", "mine.Thing", "mine.Model"} <= set(map(str, inspection.globals))


def test_a_function_of_protocol_0(inspect_bytes: Callable[..., Inspection]) -> None:
    function = node(
        "builtins.function", "FunctionNode", content={"module_path": "scipy.special", "function": "expit"}
    )

    inspection = inspect_bytes(archive({**instance("mine.Model", func=function), "protocol": 0}))

    assert "scipy.special.expit" in set(map(str, inspection.globals))
    assert "builtins.function" not in set(map(str, inspection.globals))


def test_a_method_is_judged_by_its_full_name(inspect_bytes: Callable[..., Inspection]) -> None:
    owner = instance("sklearn.svm._classes.SVC")
    method = node(
        "sklearn.svm._classes.SVC", "MethodNode", content={"func": "__init_subclass__", "obj": owner}
    )

    inspection = inspect_bytes(archive(instance("mine.Model", method=method)))

    assert "sklearn.svm._classes.SVC.__init_subclass__" in set(map(str, inspection.globals))


def test_what_is_called(inspect_bytes: Callable[..., Inspection]) -> None:
    """A class that may only be made counts as called where its own code would run."""
    made = node("sklearn.svm._classes.SVC", "ConstructorFromReduceNode", content=sequence(kind="tuple"))
    held = instance("numpy.log1p")

    inspection = inspect_bytes(archive(instance("sklearn.svm._classes.SVC", a_=made, b_=held)))

    assert set(map(str, inspection.calls)) == {"sklearn.svm._classes.SVC", "numpy.log1p"}


def test_deep_nesting(refusal: Callable[[bytes], ModelUnreadable]) -> None:
    schema = plain(1)
    for _ in range(200):
        schema = sequence(schema)

    assert (
        "has a schema that infer does not understand"
        in refusal(archive(instance("mine.Model", a=schema))).message
    )


def test_each_known_loader_has_a_check() -> None:
    """A JsonNode holds a plain value: `Schema` checks it without a table."""
    assert set(Schema._loaders) == KNOWN - {"JsonNode"}
