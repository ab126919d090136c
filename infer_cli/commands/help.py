"""`infer help`: the help of infer, or of one command."""

from __future__ import annotations

from typing import Annotated

import typer

from infer_cli.terminal import output
from infer_cli.terminal.completion import complete_command


def help_(
    context: typer.Context,
    command: Annotated[
        str | None,
        typer.Argument(metavar="[COMMAND]", help="The command to explain.", autocompletion=complete_command),
    ] = None,
) -> None:
    """Explain infer, or one command.

    `infer COMMAND --help` prints the same.
    """
    group = context.find_root()
    if command is None:
        output.show(group.get_help(), {}, as_json=False)
        return
    # The group knows near names, and has an error for an unknown one.
    _, found, _ = group.command.resolve_command(group, [command])  # type: ignore[attr-defined]  # it is a group
    inner = typer.Context(found, parent=group, info_name=command, **found.context_settings)
    with inner:
        output.show(found.get_help(inner), {}, as_json=False)
