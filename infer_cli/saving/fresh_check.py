"""Checks a saved model in a process of its own, which knows nothing of the training script.

`python -m infer_cli.saving.fresh_check MODEL ROWS`: loads the model, asks it for the pickled rows, and
compares with the pickled answers. Nothing is printed if they are equal; otherwise the reason is, and the exit
code is 1.
"""

from __future__ import annotations

import math
import os
import pickle
import sys
import warnings
from pathlib import Path

from infer_cli.saving.answers import ask
from infer_cli.saving.failure import SaveFailed


def difference(found: dict[str, list[object]], expected: dict[str, list[object]]) -> str:
    """Say where the answers differ; an empty string if they do not."""
    if found.keys() != expected.keys():
        return f"it gives {', '.join(found)} there, and {', '.join(expected)} here"
    for name, values in expected.items():
        for number, (first, second) in enumerate(zip(found[name], values, strict=True), 1):
            if not _is_same(first, second):
                return f"{name} of row {number} is {first!r} there, and {second!r} here"
    return ""


def _is_same(first: object, second: object) -> bool:
    if isinstance(first, list) and isinstance(second, list):
        return len(first) == len(second) and all(map(_is_same, first, second))
    if isinstance(first, dict) and isinstance(second, dict):
        return first.keys() == second.keys() and all(_is_same(first[name], second[name]) for name in first)
    if isinstance(first, float) and isinstance(second, float):
        return math.isclose(first, second, rel_tol=1e-9, abs_tol=1e-12)
    return first == second and isinstance(first, bool) == isinstance(second, bool)


def main(model_file: str, rows_file: str) -> int:
    """Compare the answers, and give the exit code."""
    warnings.simplefilter("ignore")
    # What a model prints while it is loaded or called is not the reason.
    output = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    model = pickle.loads(Path(model_file).read_bytes())  # noqa: S301 (the same user just wrote it)
    given, answers = pickle.loads(Path(rows_file).read_bytes())  # noqa: S301
    if given is None:
        return 0
    try:
        reason = difference(ask(model, given), answers)
    except SaveFailed as failed:
        reason = failed.message.removeprefix("the model does not answer rows of X: ")
    with output:
        output.write(reason)
    return 1 if reason else 0


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
