"""`infer init`: a small example to start from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from infer_cli.errors import InferError
from infer_cli.terminal import output
from infer_cli.terminal.options import AsJson

_TRAIN = '''\
# /// script
# requires-python = ">=3.11"
# dependencies = ["pandas", "scikit-learn"]
# ///
"""Train a model that tells the species of an iris, and save it as data/model.pkl."""

import pickle
from pathlib import Path

from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

iris = load_iris(as_frame=True)

# The names of the columns become the names of the service's inputs.
measures = iris.data.set_axis(["slength", "swidth", "plength", "pwidth"], axis="columns")
species = iris.target_names[iris.target]

model = make_pipeline(StandardScaler(), LogisticRegression()).fit(measures, species)
print(f"accuracy on the training data: {model.score(measures, species):.3f}")

file = Path(__file__).parent / "data" / "model.pkl"
file.parent.mkdir(exist_ok=True)
file.write_bytes(pickle.dumps(model))
print(f"saved {file}")
'''

_NEXT = """\
# What to do with this example

1. Train the model: `python train.py` (needs scikit-learn and pandas; `uv run train.py` fetches them).
2. Build an image for it: `infer build --tag iris:v1 --model-dir data`
3. Start the service: `infer run iris:v1 --model-dir data -d`
4. Ask it: `infer predict slength=1.5 swidth=0.7 plength=1.3 pwidth=0.3`
5. Read its log with `infer logs`, look inside with `infer exec`, stop it with `infer stop`.
"""

_FILES = {"train.py": _TRAIN, "NEXT.md": _NEXT}


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
        for name, text in _FILES.items():
            (folder / name).write_text(text)
    except OSError as error:
        raise InferError(f"cannot write the example into {folder}: {error.strerror}") from error
    written = [str(folder / name) for name in _FILES]
    go = "" if folder == Path() else f"cd {folder}\n  "
    commands = f"{go}uv run train.py    (or: python train.py)\n  infer build --tag iris:v1 --model-dir data"
    text = f"Wrote {' and '.join(written)}\nNow:\n  {commands}"
    output.show(text, {"files": written}, as_json=as_json)
