"""The help of commands, grouped by subject: panels in colour on a terminal, plain text elsewhere."""

from __future__ import annotations

import os
import sys
from collections import defaultdict
from typing import TYPE_CHECKING

from typer.core import TyperCommand, TyperGroup

from infer_cli.terminal.panels import panel, panel_width, usage_prefix

if TYPE_CHECKING:
    from collections.abc import Iterable

    from typer._click import Context, HelpFormatter

# The titles of options and arguments without a group of their own, and their order in the plain help.
_TITLES = {"argument": "Arguments", "option": "Options"}
_COMMANDS = "Commands"


def has_panels() -> bool:
    """Whether stdout is a terminal that can show panels; with `NO_COLOR`, they have no colours."""
    has_frames = "utf" in (sys.stdout.encoding or "").lower()
    return sys.stdout.isatty() and has_frames and os.environ.get("TERM") != "dumb"


class Command(TyperCommand):
    """A command whose help groups the arguments and options."""

    def format_help(self, ctx: Context, formatter: HelpFormatter) -> None:
        """Write panels for a terminal, else plain text."""
        _write_help(self, ctx, formatter)

    def format_options(self, ctx: Context, formatter: HelpFormatter) -> None:
        """Write a section for each group of arguments and options."""
        _write_parameters(self, ctx, formatter)


class Group(TyperGroup):
    """A group of commands whose help groups the commands."""

    def format_help(self, ctx: Context, formatter: HelpFormatter) -> None:
        """Write panels for a terminal, else plain text."""
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
        formatter.width = panel_width()
        formatter.write_usage(ctx.command_path, " ".join(command.collect_usage_pieces(ctx)), usage_prefix())
    else:
        command.format_usage(ctx, formatter)
    command.format_help_text(ctx, formatter)
    if has_panels():
        formatter.write_paragraph()
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
        if not rows:
            continue
        if has_panels():
            formatter.write(panel(title, rows, formatter.width))
        else:
            with formatter.section(title):
                formatter.write_dl(rows)
