"""The command line: registers the commands, and reports errors with their exit codes."""

from __future__ import annotations

import errno
import os
import signal
import sys
from typing import TYPE_CHECKING, Annotated, cast

import typer

from infer_cli import __version__
from infer_cli.commands.catalogue import LazyCommands
from infer_cli.errors import InferError, Interrupted, UsageError
from infer_cli.terminal import output
from infer_cli.terminal.command_line import remember
from infer_cli.terminal.help import Group

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from types import FrameType


# The base class of the errors that the parser raises for wrong usage. Typer has a public name only for
# `BadParameter`, which is one of them.
_WRONG_USAGE = cast("type[typer.BadParameter]", typer.BadParameter.__base__)
# The exit code of a program that SIGPIPE ended, as a shell reports it.
_PIPE_CLOSED = 128 + signal.SIGPIPE
# Signals that end a command as Ctrl-C does: of service managers, and of a terminal that is closed.
_ENDING = (signal.SIGTERM, signal.SIGHUP)


class _Commands(Group):
    """The group of all commands; Ctrl-C becomes `Interrupted`, an error with its own exit code."""

    def __init__(self, **settings: object) -> None:
        super().__init__(**settings)  # type: ignore[arg-type]  # Typer's own settings
        self.commands = LazyCommands()  # type: ignore[assignment]  # read only

    def invoke(self, ctx: typer.Context) -> object:  # type: ignore[override]  # Typer hides the base's type
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as interrupt:
            raise Interrupted from interrupt


app = typer.Typer(
    cls=_Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    # The help is made by `infer_cli.terminal.help`, which imports Rich only for a terminal.
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(is_given: bool) -> None:  # noqa: FBT001 (Typer gives an option's value by position)
    if is_given:
        print(f"infer {__version__}")
        raise typer.Exit


@app.callback()
def _infer(
    *,
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and exit."),
    ] = False,
) -> None:
    """Turn a trained scikit-learn model into a prediction service in a container."""


def main(argv: Sequence[str] | None = None) -> None:
    """Run a command; ends the process with its exit code."""
    try:
        exit_code = _run(list(sys.argv[1:] if argv is None else argv))
        sys.stdout.flush()
    except BrokenPipeError:
        exit_code = _PIPE_CLOSED
        _close_quietly()
    except OSError as error:
        if error.errno != errno.EIO:
            raise
        # The terminal was closed. SIGHUP, which tells that, may come later, or never.
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        exit_code = Interrupted.exit_code
        _close_quietly()
    raise SystemExit(exit_code)


def _run(arguments: list[str]) -> int:
    """Run a command, report its error, and return its exit code."""
    remember(arguments)
    own = arguments[: arguments.index("--")] if "--" in arguments else arguments
    as_json = "--json" in own
    terminals = [number for number in (1, 2) if os.isatty(number)]
    _handle_signals(terminals)
    try:
        return app(arguments, prog_name="infer", standalone_mode=False) or 0
    except _WRONG_USAGE as error:
        error.show()
        if as_json:
            output.print_record(_usage_error(error))
        return int(error.exit_code)
    except InferError as error:
        output.report(error, as_json=as_json)
        return error.exit_code
    except SystemExit as ended:
        # Typer ends the process itself when a pipe was closed.
        if isinstance(ended.__context__, OSError) and ended.__context__.errno == errno.EPIPE:
            raise BrokenPipeError from ended
        raise
    except BrokenPipeError:
        raise
    except OSError as error:
        if error.errno == errno.EIO and not all(map(os.isatty, terminals)):
            raise
        output.report(_system_error(error), as_json=as_json)
        return 1


def _handle_signals(terminals: Iterable[int]) -> None:
    """Let the signals that end a command interrupt it; `terminals` are the outputs that are a terminal."""

    def interrupt(number: int, _: FrameType | None) -> None:
        if number == signal.SIGHUP:
            # A note that cannot be written must not keep the command from cleaning up.
            _close_quietly(terminals)
        raise KeyboardInterrupt

    for number in _ENDING:
        # What nohup starts is to go on without its terminal.
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, interrupt)


def _close_quietly(numbers: Iterable[int] = (1, 2)) -> None:
    """Let what is left to write go nowhere: Python flushes stdout and stderr at the end.

    The reader of our output, such as `head` or a terminal, has closed it, which is its right.
    """
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for number in numbers:
        os.dup2(nowhere, number)


def _usage_error(error: typer.BadParameter) -> UsageError:
    """An error of the parser as a `UsageError`."""
    hint = f"see `{error.ctx.command_path} --help`" if error.ctx else None
    return UsageError(error.format_message(), hint=hint)


def _system_error(error: OSError) -> InferError:
    """A file that cannot be read or written, or a full disk, with the system's own message."""
    where = f"{error.filename}: " if error.filename else ""
    return InferError(f"{where}{error.strerror or error}")
