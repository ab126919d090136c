"""Checks a saved model in a process of its own, which knows nothing of the training script.

`python -c SOURCE MODEL ROWS`: loads the model, asks it for the pickled rows, and compares with the pickled
answers. Nothing is printed if they are equal; otherwise the reason is, and the exit code is 1.
"""

import math
import pickle
import sys
import warnings


def _is_same(first: object, second: object) -> bool:
    if isinstance(first, float) and isinstance(second, float):
        both_nan = math.isnan(first) and math.isnan(second)
        return both_nan or math.isclose(first, second, rel_tol=1e-9, abs_tol=1e-12)
    return first == second


def main(model_file: str, rows_file: str) -> int:
    """Compare the answers, and give the exit code."""
    warnings.simplefilter("ignore")
    with open(model_file, "rb") as file:  # noqa: PTH123 (nothing but what is needed)
        model = pickle.load(file)  # noqa: S301 (the file was just written by the same user)
    with open(rows_file, "rb") as file:  # noqa: PTH123
        given, predictions = pickle.load(file)  # noqa: S301
    if predictions is None:
        return 0
    found = model.predict(given).tolist()
    found = [row[0] if isinstance(row, list) and len(row) == 1 else row for row in found]
    for number, (first, second) in enumerate(zip(found, predictions), 1):  # noqa: B905 (Python 3.9)
        if not _is_same(first, second):
            print(f"row {number} of X is answered {first!r} there, and {second!r} here")  # noqa: T201
            return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
