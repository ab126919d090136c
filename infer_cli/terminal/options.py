"""Options and arguments that several commands share, each declared once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from infer_cli.terminal.completion import complete_image, complete_service


def _tag_help(what: str) -> Any:  # noqa: ANN401 (Typer's own type is not public)
    return typer.Argument(metavar="TAG", help=what, autocompletion=complete_image, show_default=False)


AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object, for scripts.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Show the engine's full log.")]
ModelFile = Annotated[
    str | None,
    typer.Option(
        "--model-file",
        metavar="NAME",
        help="The model in the folder, if it holds several.",
        show_default=False,
    ),
]
ModelFolder = Annotated[
    Path | None,
    typer.Option("--model-dir", metavar="DIR", help="The folder that holds the model.", show_default=False),
]
Trust = Annotated[
    list[str] | None,
    typer.Option(
        "--trust",
        metavar="MODULE",
        help="Let the model use this module, of your own code; may be repeated.",
        show_default=False,
    ),
]
NoEnvironment = Annotated[
    bool,
    typer.Option("--no-environment", help="Take no versions from the current environment."),
]
ImageTag = Annotated[str, _tag_help("The image, as NAME:TAG.")]
AnyService = Annotated[
    str | None,
    typer.Argument(
        metavar="[NAME]",
        help="The service; may be left out while only one is running.",
        autocompletion=complete_service,
        show_default=False,
    ),
]
