"""An option that several commands have is declared once, so that its name and help cannot drift apart."""

from __future__ import annotations

import ast
from collections import defaultdict
from pathlib import Path

import infer_cli

PACKAGE = Path(infer_cli.__file__).parent


def names_of(call: ast.Call, parameter: str | None) -> list[str]:
    """The strings of an option, such as --tag and -t; without any, Typer derives one from the parameter."""
    words = [
        argument.value
        for argument in call.args
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str)
    ]
    names = [name for word in words for name in word.split("/")]
    if names or parameter is None:
        return names
    return [f"--{parameter.replace('_', '-')}"]


def declarations() -> dict[str, list[str]]:
    """Where each option string is declared: for every `typer.Option(…)` in the package, its file and line."""
    found: dict[str, list[str]] = defaultdict(list)
    for file in sorted(PACKAGE.rglob("*.py")):
        tree = ast.parse(file.read_text())
        parameters = {
            id(node): argument.arg
            for argument in ast.walk(tree)
            if isinstance(argument, ast.arg) and argument.annotation is not None
            for node in ast.walk(argument.annotation)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "typer.Option":
                names = names_of(node, parameters.get(id(node)))
                assert names, f"{file.name}:{node.lineno} declares a shared option without its name"
                for name in names:
                    found[name].append(f"{file.relative_to(PACKAGE)}:{node.lineno}")
    return found


def test_no_option_is_declared_in_two_places() -> None:
    found = declarations()

    assert {"--tag", "-t", "--no-verify", "--batch", "--since", "--cap-add"} <= found.keys()
    assert {name: places for name, places in found.items() if len(places) > 1} == {}
