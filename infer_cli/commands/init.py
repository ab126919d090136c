"""`infer init`: a small example to start from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from infer_cli.assets import find_assets
from infer_cli.errors import InferError
from infer_cli.terminal import output
from infer_cli.terminal.options import AsJson

_NEXT = """\
# What to do with this example

1. Train the model: `python train.py` (needs scikit-learn and pandas; `uv run train.py` fetches them).
2. Build an image for it: `infer build --tag iris:v1 --model-dir data`
3. Start the service: `infer run iris:v1 --model-dir data -d`
4. Ask it: `infer predict slength=1.5 swidth=0.7 plength=1.3 pwidth=0.3`
5. Read its log with `infer logs`, look inside with `infer exec`, stop it with `infer stop`.
"""

_FILES = ("train.py", "NEXT.md")


def init(
    folder: Annotated[Path, typer.Argument(metavar="[DIR]", help="Where to write it.")] = Path(),
    *,
    as_json: AsJson = False,
) -> None:
    """Write a small example: a script that trains a model."""
    present = [name for name in _FILES if (folder / name).exists()]
    if present:
        message = f"{folder / present[0]} exists already; nothing was written"
        raise InferError(message, hint="choose another folder: `infer init DIR`")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "train.py").write_bytes(find_assets().example.read_bytes())
        (folder / "NEXT.md").write_text(_NEXT)
    except OSError as error:
        raise InferError(f"cannot write the example into {folder}: {error.strerror}") from error
    written = [str(folder / name) for name in _FILES]
    go = "" if folder == Path() else f"cd {folder}\n  "
    commands = f"{go}uv run train.py    (or: python train.py)\n  infer build --tag iris:v1 --model-dir data"
    text = f"Wrote {' and '.join(written)}\nNow:\n  {commands}"
    output.show(text, {"files": written}, as_json=as_json)
