"""The example project that `infer init` writes: a script that trains a model, and what to do next."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infer_cli.assets import find_assets
from infer_cli.errors import InferError

if TYPE_CHECKING:
    from pathlib import Path

_SCRIPT, _NEXT_STEPS = "train.py", "NEXT.md"
_NEXT_TEXT = """\
# What to do with this example

1. Train the model: `python train.py` (needs scikit-learn and pandas; `uv run train.py` fetches them).
2. Build an image for it: `infer build --tag iris:v1 --model-dir data`
3. Start the service: `infer run iris:v1 --model-dir data -d`
4. Ask it: `infer predict slength=1.5 swidth=0.7 plength=1.3 pwidth=0.3`
5. Read its log with `infer logs`, look inside with `infer exec`, stop it with `infer stop`.
"""


def write_example(folder: Path) -> tuple[Path, ...]:
    """Write the example into a folder, which is made if it is missing; gives the files.

    Raises `InferError` if one of the files exists, and writes nothing then.
    """
    files = tuple(folder / name for name in (_SCRIPT, _NEXT_STEPS))
    present = [file for file in files if file.exists()]
    if present:
        message = f"{present[0]} exists already; nothing was written"
        raise InferError(message, hint="choose another folder: `infer init DIR`")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / _SCRIPT).write_bytes(find_assets().example.read_bytes())
        (folder / _NEXT_STEPS).write_text(_NEXT_TEXT)
    except OSError as error:
        raise InferError(f"cannot write the example into {folder}: {error.strerror}") from error
    return files
