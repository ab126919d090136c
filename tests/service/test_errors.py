"""The errors of the service are one tree, and its picture is true."""

from __future__ import annotations

import ast
import re
import socket
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from service import errors
from service.errors import ServiceError, is_refused

if TYPE_CHECKING:
    from collections.abc import Iterator

SERVICE = Path(errors.__file__).parent


def all_errors(root: type[ServiceError] = ServiceError) -> Iterator[type[ServiceError]]:
    yield root
    for error in root.__subclasses__():
        yield from all_errors(error)


def test_the_tree_in_the_documentation_is_the_tree_of_classes() -> None:
    drawn = re.findall(r"^    ([│ ├└─]*)(\w+)  ", str(errors.__doc__), re.MULTILINE)
    parents: dict[str, str] = {}
    above = ["ServiceError"]
    for branches, name in drawn:
        depth = len(branches) // 4
        above[depth:] = [name]
        parents[name] = above[depth - 1]

    assert parents == {
        error.__name__: next(base.__name__ for base in error.__bases__ if issubclass(base, ServiceError))
        for error in all_errors()
        if error is not ServiceError
    }


def test_every_error_that_leaves_its_module_is_in_the_tree() -> None:
    """A private exception may steer the code of one module."""
    outside = {
        f"{file.relative_to(SERVICE)}: {node.name}"
        for file in SERVICE.rglob("*.py")
        if file.name != "errors.py"
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
        for base in node.bases
        if ast.unparse(base).endswith(("Error", "Exception"))
    }

    # Programs that ask the service from outside, and need nothing but the standard library.
    assert outside == {"check.py: Failed", "check.py: PredictionRefused"}


def _led_to(cause: Exception) -> Exception:
    error = ValueError()
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        pytest.param(PermissionError(1, "Operation not permitted"), True, id="a connection"),
        pytest.param(socket.gaierror(-3, "Temporary failure in name resolution"), True, id="a name"),
        pytest.param(_led_to(PermissionError(1, "x")), True, id="what led to another error"),
        pytest.param(RuntimeError("connection failed: Operation not permitted"), True, id="a driver's words"),
        pytest.param(_led_to(KeyError("x")), False, id="an error of the model"),
        pytest.param(None, False, id="none"),
    ],
)
def test_what_the_kernel_refused_is_told_apart(*, error: Exception | None, expected: bool) -> None:
    assert is_refused(error) is expected
