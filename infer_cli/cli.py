"""The command line: registers the commands, and reports errors with their exit codes."""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING, Annotated, cast

import typer
from typer.core import TyperGroup

from infer_cli import __version__
from infer_cli.commands.base import base
from infer_cli.commands.build import build
from infer_cli.commands.compile import compile_
from infer_cli.commands.doctor import doctor
from infer_cli.commands.exec import ExecCommand, exec_
from infer_cli.commands.init import init
from infer_cli.commands.inspect import inspect
from infer_cli.commands.logs import logs
from infer_cli.commands.predict import predict
from infer_cli.commands.ps import ps
from infer_cli.commands.push import push
from infer_cli.commands.run import run
from infer_cli.commands.serve import serve
from infer_cli.commands.stop import stop
from infer_cli.errors import InferError, Interrupted, UsageError
from infer_cli.terminal import output

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import FrameType


# The base class of the errors that the parser raises for wrong usage. Typer has a public name only for
# `BadParameter`, which is one of them.
_WRONG_USAGE = cast("type[typer.BadParameter]", typer.BadParameter.__base__)


class _Commands(TyperGroup):
    """The group of all commands; Ctrl-C becomes `Interrupted`, an error with its own exit code."""

    def invoke(self, ctx: typer.Context) -> object:  # type: ignore[override]  # Typer hides the base's type
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as interrupt:
            raise Interrupted from interrupt


app = typer.Typer(
    cls=_Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    # Plain help: importing rich makes `infer --help` slow.
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


# In the order of use, which is also the order in the help.
app.command()(init)
app.command()(inspect)
app.command()(build)
app.command("compile")(compile_)
app.command()(push)
app.command()(run)
app.command()(ps)
app.command()(predict)
app.command()(logs)
app.command("exec", cls=ExecCommand, context_settings={"ignore_unknown_options": True})(exec_)
app.command()(stop)
app.command()(serve)
app.command()(base)
app.command()(doctor)


def main(argv: Sequence[str] | None = None) -> None:
    """Run a command; ends the process with its exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    own = arguments[: arguments.index("--")] if "--" in arguments else arguments
    as_json = "--json" in own
    # SIGTERM, the signal of service managers, cleans up as Ctrl-C does.
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        exit_code = app(arguments, prog_name="infer", standalone_mode=False)
    except _WRONG_USAGE as error:
        error.show()
        if as_json:
            output.print_record(_usage_error(error))
        raise SystemExit(error.exit_code) from error
    except InferError as error:
        output.report(error, as_json=as_json)
        raise SystemExit(error.exit_code) from error
    except BrokenPipeError:
        # The reader of our output, such as `head`, has closed the pipe. Python flushes stdout at exit, which
        # would be a second error, so stdout becomes the null device.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(1) from None
    except OSError as error:
        output.report(_system_error(error), as_json=as_json)
        raise SystemExit(1) from error
    raise SystemExit(exit_code or 0)


def _usage_error(error: typer.BadParameter) -> UsageError:
    """An error of the parser as a `UsageError`."""
    hint = f"see `{error.ctx.command_path} --help`" if error.ctx else None
    return UsageError(error.format_message(), hint=hint)


def _system_error(error: OSError) -> InferError:
    """A file that cannot be read or written, or a full disk, with the system's own message."""
    where = f"{error.filename}: " if error.filename else ""
    return InferError(f"{where}{error.strerror or error}")


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
