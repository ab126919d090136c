"""`infer exec`: a shell or a command in the running container."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Annotated

import typer

from infer_cli.errors import ServiceNotFound
from infer_cli.terminal import output
from infer_cli.terminal.help import Command
from infer_cli.terminal.options import AsJson, UserId, service_words
from infer_cli.terminal.progress import show_progress

if TYPE_CHECKING:
    from infer_cli.engine.connection import Engine
    from infer_cli.engine.services import Service

# Some base images have no bash. The shell reads no file that the service could have written into its own
# home: unlike the service, the shell may connect to other programs.
_SHELL = ("sh", "-c", "export HOME=/; command -v bash >/dev/null && exec bash; exec sh")
_COMMAND_KEY = "infer.command"


class ExecCommand(Command):
    """Keeps the words after `--` apart; the parser would put them together with the words before."""

    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:  # type: ignore[override]
        """Split at the first `--`."""
        if "--" in args:
            split = args.index("--")
            ctx.meta[_COMMAND_KEY] = args[split + 1 :]
            args = args[:split]
        return super().parse_args(ctx, args)


COMMAND_CLASS = ExecCommand
# An option behind the name of the service belongs to the command.
CONTEXT_SETTINGS = {"ignore_unknown_options": True}


def exec_(
    context: typer.Context,
    words: Annotated[
        list[str] | None,
        service_words(
            metavar="[NAME] [-- COMMAND...]",
            help_text="The service, then a command for it; without a command, a shell.",
        ),
    ] = None,
    *,
    user: UserId = None,
    as_json: AsJson = False,
) -> None:
    """Open a shell in the running container, or run a command there."""
    given = list(words or ())
    command = [*given[1:], *context.meta.get(_COMMAND_KEY, [])] or list(_SHELL)
    with show_progress(in_pipe=False) as progress:
        progress.stage(f"Looking for {given[0] if given else 'the service'}")
        from infer_cli.engine.connection import connect  # noqa: PLC0415 (keeps `infer --help` quick)
        from infer_cli.engine.exec import exec_in_service  # noqa: PLC0415
        from infer_cli.running.program import run_program  # noqa: PLC0415

        engine = connect()
        service = _find(engine, given, has_separator=_COMMAND_KEY in context.meta)
    if not as_json:
        raise typer.Exit(exec_in_service(engine, service, command, user=user))
    result = run_program(engine, service, command, user=user)
    record = {
        "name": service.name,
        "exit_code": result.exit_code,
        "stdout": result.stdout.decode(errors="replace"),
        "stderr": result.stderr.decode(errors="replace"),
    }
    output.show("", record, as_json=True)
    raise typer.Exit(result.exit_code)


def _find(engine: Engine, given: list[str], *, has_separator: bool) -> Service:
    """The service of the first word, or the only running one; without `--`, a wrong name may be a command."""
    from infer_cli.engine.services import list_services  # noqa: PLC0415 (see above)
    from infer_cli.running.program import find_running_service  # noqa: PLC0415

    try:
        return find_running_service(engine, given[0] if given else None)
    except ServiceNotFound as error:
        if given and not has_separator:
            running = list_services(engine, all_states=False)
            name = f"{running[0].name} " if len(running) > 1 else ""
            error.hint = f"a command stands behind `--`: `infer exec {name}-- {shlex.join(given)}`"
        raise
