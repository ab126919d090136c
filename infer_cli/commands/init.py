"""`infer init`: a small example to start from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from infer_cli.terminal import output
from infer_cli.terminal.options import AsJson


def init(
    folder: Annotated[Path, typer.Argument(metavar="[DIR]", help="Where to write the example.")] = Path(),
    *,
    as_json: AsJson = False,
) -> None:
    """Write a small example: a script that trains a model."""
    from infer_cli.example import write_example  # noqa: PLC0415 (keeps `infer --help` quick)

    written = [str(file) for file in write_example(folder)]
    go = "" if folder == Path() else f"cd {folder}\n  "
    commands = f"{go}uv run train.py    (or: python train.py)\n  infer build --tag iris:v1 --model-dir data"
    text = f"Wrote {' and '.join(written)}\nNow:\n  {commands}"
    output.show(text, {"files": written}, as_json=as_json)
