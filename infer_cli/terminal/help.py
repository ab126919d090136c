"""The help of commands, grouped by subject: panels in colour on a terminal, plain text elsewhere."""

from __future__ import annotations

import os
import sys
from collections import defaultdict
from typing import TYPE_CHECKING, cast

from typer.core import TyperCommand, TyperGroup

if TYPE_CHECKING:
    from collections.abc import Iterable

    from typer._click import Context, HelpFormatter

# The titles of options and arguments without a group of their own, and their order in the plain help.
_TITLES = {"argument": "Arguments", "option": "Options"}
_COMMANDS = "Commands"


def has_panels() -> bool:
    """Whether stdout is a terminal that can show panels; with `NO_COLOR`, they have no colours."""
    return sys.stdout.isatty() and os.environ.get("TERM") != "dumb"


class Command(TyperCommand):
    """A command whose help groups the arguments and options."""

    def format_help(self, ctx: Context, formatter: HelpFormatter) -> None:
        """Print panels on a terminal, else write plain text to the formatter."""
        _write_help(self, ctx, formatter)

    def format_options(self, ctx: Context, formatter: HelpFormatter) -> None:
        """Write a section for each group of arguments and options."""
        _write_parameters(self, ctx, formatter)


class Group(TyperGroup):
    """A group of commands whose help groups the commands."""

    def format_help(self, ctx: Context, formatter: HelpFormatter) -> None:
        """Print panels on a terminal, else write plain text to the formatter."""
        _write_help(self, ctx, formatter)

    def format_options(self, ctx: Context, formatter: HelpFormatter) -> None:
        """Write a section for each group of options, then for each group of commands."""
        _write_parameters(self, ctx, formatter)
        self.format_commands(ctx, formatter)

    def format_commands(self, ctx: Context, formatter: HelpFormatter) -> None:
        """Write a section for each group of commands, with the first sentence of each help."""
        sections: dict[str, list[tuple[str, str]]] = defaultdict(list)
        names = self.list_commands(ctx)
        width = max(map(len, names), default=0)
        for name in names:
            command = self.get_command(ctx, name)
            if command is not None and not command.hidden:
                title = getattr(command, "rich_help_panel", None) or _COMMANDS
                summary = (command.help or "").partition("\n\n")[0]
                sections[title].append((name.ljust(width), " ".join(summary.split())))
        _write_sections(sections.items(), formatter)


def _write_help(command: TyperCommand | TyperGroup, ctx: Context, formatter: HelpFormatter) -> None:
    if has_panels():
        _print_panels(command, ctx)
        return
    command.format_usage(ctx, formatter)
    command.format_help_text(ctx, formatter)
    command.format_options(ctx, formatter)
    command.format_epilog(ctx, formatter)


def _write_parameters(command: TyperCommand | TyperGroup, ctx: Context, formatter: HelpFormatter) -> None:
    sections: dict[str, list[tuple[str, str]]] = {title: [] for title in _TITLES.values()}
    for parameter in command.get_params(ctx):
        record = parameter.get_help_record(ctx)
        if record is not None:
            title = getattr(parameter, "rich_help_panel", None) or _TITLES[parameter.param_type_name]
            sections.setdefault(title, []).append(record)
    _write_sections(sections.items(), formatter)


def _write_sections(sections: Iterable[tuple[str, list[tuple[str, str]]]], formatter: HelpFormatter) -> None:
    for title, rows in sections:
        if rows:
            with formatter.section(title):
                formatter.write_dl(rows)


def _print_panels(command: TyperCommand | TyperGroup, ctx: Context) -> None:
    """Print the help with Rich, which would take square brackets in a help for its own marks."""
    from rich.markup import escape  # noqa: PLC0415 (slow to import)
    from typer.rich_utils import rich_format_help  # noqa: PLC0415

    described: list[object] = [command, *command.get_params(ctx)]
    if isinstance(command, TyperGroup):
        described += [command.get_command(ctx, name) for name in command.list_commands(ctx)]
    for one in described:
        if text := cast("str | None", getattr(one, "help", None)):
            setattr(one, "help", escape(text))  # noqa: B010 (parameters and commands share no type with a help)
    rich_format_help(obj=command, ctx=ctx, markup_mode="rich")
