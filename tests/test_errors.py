from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from infer_cli import errors
from infer_cli.errors import InferError, Interrupted, InvalidImageName, ProgramNotRun, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator


def all_errors(root: type[InferError] = InferError) -> Iterator[type[InferError]]:
    yield root
    for kind in root.__subclasses__():
        yield from all_errors(kind)


def test_an_error_carries_message_hint_and_detail() -> None:
    error = InferError("it broke", hint="mend it", detail="the log")

    assert (str(error), error.message, error.hint, error.detail) == (
        "it broke",
        "it broke",
        "mend it",
        "the log",
    )


def test_hint_and_detail_are_optional() -> None:
    error = InferError("it broke")

    assert (error.hint, error.detail) == (None, None)


def test_the_tree_in_the_documentation_is_the_tree_of_classes() -> None:
    """Errors defined in other modules refine one of the tree, and are not drawn."""
    drawn = set(re.findall(r"[├└]─ (\w+)", str(errors.__doc__)))

    defined = {kind.__name__ for kind in all_errors() if kind.__module__ == errors.__name__}
    assert defined == drawn | {"InferError", "InvalidImageName"}


@pytest.mark.parametrize(
    "kind", [pytest.param(kind, id=kind.__name__) for kind in all_errors() if kind is not Interrupted]
)
def test_the_exit_code_separates_wrong_usage_from_failure(kind: type[InferError]) -> None:
    others = {ProgramNotRun: 127, InvalidImageName: 2, UsageError: 2}
    expected = next((code for base, code in others.items() if issubclass(kind, base)), 1)

    assert kind("it broke").exit_code == expected


def test_an_interrupt_has_its_own_exit_code() -> None:
    assert Interrupted().exit_code == 130
    assert str(Interrupted()) == "interrupted"
