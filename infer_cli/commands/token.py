"""`infer token`: the tokens of a service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from infer_cli.errors import InferError, UsageError
from infer_cli.terminal import output
from infer_cli.terminal.options import AnyService, AsJson

if TYPE_CHECKING:
    from infer_cli.engine.connection import Engine
    from infer_cli.engine.services import Service


def token(
    name: AnyService = None,
    *,
    new: Annotated[
        str | None,
        typer.Option(
            "--new", metavar="NAME", help="Make a token of this name, in the place of the one that has it."
        ),
    ] = None,
    scope: Annotated[
        str,
        typer.Option("--scope", metavar="SCOPES", help="What the new token opens: predict,metrics,admin."),
    ] = "predict",
    remove: Annotated[
        str | None, typer.Option("--remove", metavar="NAME", help="Take the token of this name away.")
    ] = None,
    list_: Annotated[bool, typer.Option("--list", help="List the names and scopes of all tokens.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show the token of a service, or make, list and remove tokens.

    Without an option, the command prints the token that infer itself uses, which is called owner. A new
    token is shown once: the service keeps only a digest of it. The service takes a change within a second,
    without a restart.
    """
    if (new is not None) + (remove is not None) + list_ > 1:
        raise UsageError("use one of --new, --remove and --list")
    from infer_cli import tokens  # noqa: PLC0415 (keeps `infer --help` quick)
    from infer_cli.engine.connection import connect  # noqa: PLC0415
    from infer_cli.engine.services import find_service  # noqa: PLC0415

    scopes = tuple(scope.split(","))
    if not set(scopes) <= set(tokens.SCOPES):
        raise UsageError(f"--scope {scope} is not known", hint=f"choose among {','.join(tokens.SCOPES)}")
    engine = connect()
    service = find_service(engine, name)
    access_id = _access_of(service)
    if list_:
        found = tokens.listed(access_id)
        text = output.table(("NAME", "SCOPES"), [(one.name, ",".join(one.scopes)) for one in found])
        record: dict[str, object] = {
            "tokens": [{"name": one.name, "scopes": list(one.scopes)} for one in found]
        }
        output.show(text, record, as_json=as_json)
        return
    if new is None and remove is None:
        kept = tokens.token_of(access_id)
        output.show(str(kept), {"name": tokens.OWNER, "token": kept}, as_json=as_json)
        return
    _note_place(engine, service)
    if remove == tokens.OWNER:
        raise UsageError("infer itself uses the token owner", hint="replace it with --new owner")
    if remove is not None:
        if not tokens.drop(access_id, remove):
            raise InferError(f"{service.name} has no token {remove}", hint="`infer token --list` lists them")
        output.show(f"Removed the token {remove} of {service.name}", {"removed": remove}, as_json=as_json)
        return
    if not tokens.is_name(str(new)):
        raise UsageError(f"--new {new} is no name", hint="use letters, digits and . _ @ -")
    made = tokens.put(access_id, str(new), tokens.SCOPES if new == tokens.OWNER else scopes)
    output.show(made, {"name": new, "token": made}, as_json=as_json)


def _access_of(service: Service) -> str:
    """The id of the service's tokens; raises `InferError` if it has none, or another user has them."""
    from infer_cli import tokens  # noqa: PLC0415 (keeps `infer --help` quick)

    if service.access is None or not service.has_tokens:
        raise InferError(
            f"{service.name} asks for no token of infer", hint="start it with --auth to let it ask for one"
        )
    if tokens.token_of(service.access) is None:
        raise InferError(
            f"the tokens of {service.name} are not kept here",
            hint="another user or machine started it: ask there with `infer token`",
        )
    return service.access


def _note_place(engine: Engine, service: Service) -> None:
    """A service on another machine has a copy of the file of tokens, which stays as it is."""
    if not engine.is_local:
        output.note(f"{service.name} runs on another machine: it takes the change when it is replaced")
