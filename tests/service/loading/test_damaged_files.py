"""Files with changed bytes are refused by the service in words that fit."""

from __future__ import annotations

import pickle
import random
from typing import TYPE_CHECKING

import joblib
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from service.errors import ModelUnloadable
from service.loading.explanations import RETRAIN_ADVICE
from service.loading.model_file import load_model

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.service.conftest import Iris

# Enough to find each of the errors that several thousand changes found.
CHANGES = 120
WRITERS: dict[str, Callable[[object, Path], object]] = {
    "model.pkl": lambda model, file: file.write_bytes(pickle.dumps(model)),
    "model2.pkl": lambda model, file: file.write_bytes(pickle.dumps(model, protocol=2)),
    "model.joblib": joblib.dump,
    "model.joblib.gz": lambda model, file: joblib.dump(model, file, compress=3),
    "model.joblib.xz": lambda model, file: joblib.dump(model, file, compress=("xz", 3)),
}


def changed(content: bytes, chance: random.Random) -> bytes:
    """Change some bytes, take some out, put some in, or end the file early."""
    data = bytearray(content)
    at = chance.randrange(len(data))
    kind = chance.choice(["end", "flip", "flip", "set", "remove", "repeat"])
    if kind == "end":
        return bytes(data[:at])
    if kind == "flip":
        data[at] ^= 1 << chance.randrange(8)
    if kind == "set":
        data[at] = chance.choice(b"\x00\x01\x7f\x80\xff.0R(N")
    end = at + chance.choice([1, 2, 4, 16])
    if kind == "remove":
        del data[at:end]
    if kind == "repeat":
        data[at:at] = data[at:end]
    return bytes(data)


@pytest.mark.parametrize("name", list(WRITERS))
def test_a_damaged_file_is_refused_in_words_that_fit(name: str, iris: Iris, tmp_path: Path) -> None:
    """A linear model: no compiled code walks its state."""
    file = tmp_path / name
    WRITERS[name](make_pipeline(StandardScaler(), LogisticRegression()).fit(*iris), file)
    content = file.read_bytes()
    chance = random.Random(11)  # noqa: S311 (nothing is secret)

    refusals = []
    for _ in range(CHANGES):
        file.write_bytes(changed(content, chance) or b"x")
        # Any other error would be a traceback. A file whose numbers have changed is a model.
        try:
            load_model(file)
        except ModelUnloadable as error:
            refusals.append(error)

    assert refusals
    # Nothing but a name that is missing from a package tells of another version.
    names = "No module named|has no attribute|Can't get attribute"
    others = [error.reason for error in refusals if error.advice == RETRAIN_ADVICE]
    assert [reason for reason in others if not any(part in reason for part in names.split("|"))] == []
