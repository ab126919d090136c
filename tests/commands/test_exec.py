from __future__ import annotations

from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from infer_cli.commands.exec import _COMMAND_KEY, ExecCommand

app = typer.Typer()


@app.command(cls=ExecCommand, context_settings={"ignore_unknown_options": True})
def show(
    context: typer.Context,
    words: Annotated[list[str] | None, typer.Argument()] = None,
    *,
    user: Annotated[str | None, typer.Option()] = None,
) -> None:
    """Print what was understood."""
    typer.echo(repr((words, context.meta.get(_COMMAND_KEY), user)))


@pytest.mark.parametrize(
    ("arguments", "words", "command", "user"),
    [
        pytest.param([], None, None, None, id="nothing"),
        pytest.param(["iris"], ["iris"], None, None, id="a name"),
        pytest.param(["--", "ls", "-la"], None, ["ls", "-la"], None, id="a command"),
        pytest.param(["iris", "--", "ls", "-la"], ["iris"], ["ls", "-la"], None, id="both"),
        pytest.param(["iris", "ls", "-la"], ["iris", "ls", "-la"], None, None, id="without a separator"),
        pytest.param(
            ["--user", "0", "iris", "--", "id", "--user"],
            ["iris"],
            ["id", "--user"],
            "0",
            id="an option twice",
        ),
        pytest.param(
            ["--", "sh", "-c", "ls -- x", "--"], None, ["sh", "-c", "ls -- x", "--"], None, id="two"
        ),
        pytest.param(["iris", "--"], ["iris"], [], None, id="nothing behind it"),
    ],
)
def test_what_follows_the_separator_is_the_command(
    arguments: list[str], words: list[str] | None, command: list[str] | None, user: str | None
) -> None:
    finished = CliRunner().invoke(app, arguments)

    assert finished.output == f"{(words, command, user)!r}\n"
