"""Turn a trained scikit-learn model into a prediction service in a container.

`infer_cli.save` is for the training script; everything else is the command `infer`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import os
    from pathlib import Path

__version__ = "0.1.0"


def save(
    model: object,
    folder: str | os.PathLike[str],
    X: Any = None,  # noqa: ANN401, N803 (any library's table, called as in scikit-learn)
    y: Any = None,  # noqa: ANN401 (any library's column)
    *,
    rows: int = 100,
) -> Path:
    """Write a model folder of which `infer build` needs to know nothing more, and give its path.

    `X` is the table that the model was fitted with: a DataFrame of pandas or Polars, an array, a list of
    texts or of dictionaries. `y` are the labels, which choose examples of every class.

    The folder gets `model.pkl`, a pickle; `infer.json` with the names, types, ranges and categories of the
    columns and the versions of the packages; `examples.jsonl` with up to `rows` rows of X and the model's own
    answers; and `code/`, if the model uses classes and functions of the script or notebook, or of modules
    beside it. A fresh Python has loaded the model and given the same answers before the folder appears.

    A folder that exists is replaced if `save` wrote it. Raises `infer_cli.saving.failure.SaveFailed`, and
    leaves nothing behind, if that cannot be done.
    """
    from infer_cli.saving.save import save_model  # noqa: PLC0415 (the command line need not load it)

    return save_model(model, folder, X, y, rows)
