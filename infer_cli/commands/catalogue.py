"""The commands in the order of use, each imported only when it is needed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, cast

from typer.main import get_command_from_info
from typer.models import CommandInfo

from infer_cli.terminal.help import Command

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True)
class _Entry:
    """A command: its group in the help, and the name of its function where that is not the command's name."""

    group: str
    function: str | None = None


_START, _IMAGES, _SERVICES, _HELP = "Quick start", "Images", "Services", "Help and checks"
# In the order of use, which is also the order in the help. A command has a module of its own name in
# `infer_cli.commands`.
_COMMANDS = {
    "init": _Entry(_START),
    "inspect": _Entry(_START),
    "up": _Entry(_START),
    "build": _Entry(_IMAGES),
    "compile": _Entry(_IMAGES, "compile_"),
    "push": _Entry(_IMAGES),
    "base": _Entry(_IMAGES),
    "run": _Entry(_SERVICES),
    "ps": _Entry(_SERVICES),
    "top": _Entry(_SERVICES),
    "predict": _Entry(_SERVICES),
    "bench": _Entry(_SERVICES),
    "compare": _Entry(_SERVICES),
    "token": _Entry(_SERVICES),
    "renew": _Entry(_SERVICES),
    "logs": _Entry(_SERVICES),
    "exec": _Entry(_SERVICES, "exec_"),
    "reload": _Entry(_SERVICES),
    "rollback": _Entry(_SERVICES),
    "restart": _Entry(_SERVICES),
    "stop": _Entry(_SERVICES),
    "serve": _Entry(_SERVICES),
    "doctor": _Entry(_HELP),
    "help": _Entry(_HELP, "help_"),
    "version": _Entry(_HELP),
}


class LazyCommands(Mapping[str, Command]):
    """The commands by name. A command is imported when it is looked up, so that the others cost no time."""

    def __init__(self) -> None:
        self._loaded: dict[str, Command] = {}

    def __getitem__(self, name: str) -> Command:
        if name not in self._loaded:
            self._loaded[name] = _load(name, _COMMANDS[name])
        return self._loaded[name]

    def __iter__(self) -> Iterator[str]:
        return iter(_COMMANDS)

    def __len__(self) -> int:
        return len(_COMMANDS)


def _load(name: str, entry: _Entry) -> Command:
    """Import a command. A module that needs a special class of commands names it `COMMAND_CLASS`."""
    module = import_module(f"infer_cli.commands.{name}")
    info = CommandInfo(
        name=name,
        cls=getattr(module, "COMMAND_CLASS", Command),
        callback=getattr(module, entry.function or name),
        context_settings=getattr(module, "CONTEXT_SETTINGS", {}),
        rich_help_panel=entry.group,
    )
    return cast("Command", get_command_from_info(info, pretty_exceptions_short=False, rich_markup_mode=None))
