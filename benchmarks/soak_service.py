"""The service of a soak: its model, and where it runs, with what tells its memory."""

from __future__ import annotations

import pickle
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sklearn.datasets import make_classification
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmarks.columns import Case
from benchmarks.local import Target, local_process
from benchmarks.own import bridge_url, own_container, own_images
from infer_cli.engine.connection import connect
from infer_cli.engine.usage import parse_usage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MODEL = "soak"
# One row takes the row program, ten are read in C, and a thousand without the interpreter lock.
ROW_COUNTS = (1, 10, 1000)
COLUMNS = 10
_DIGITS = 4


def train(folder: Path) -> list[Case]:
    """Write the model into a folder of its own in `folder`; give rows with the labels that are right."""
    table, labels = make_classification(4000, n_features=COLUMNS, n_informative=6, random_state=1)
    table = table.round(_DIGITS)
    model = make_pipeline(StandardScaler(), HistGradientBoostingClassifier(max_iter=50, random_state=1))
    model.fit(table, labels)
    (folder / MODEL).mkdir()
    (folder / MODEL / "model.pkl").write_bytes(pickle.dumps(model, protocol=5))
    predicted = model.predict(table).tolist()
    rows = [tuple(row) for row in table.tolist()]
    return [
        Case(tuple(rows[start : start + count]), tuple(predicted[start : start + count]))
        for count in ROW_COUNTS
        for start in range(0, min(len(rows), 10 * count), count)
    ]


@contextmanager
def container(folder: Path) -> Iterator[Target]:
    """Start a container as `infer run` makes it."""
    with own_images(folder, [MODEL]) as tags, own_container(tags[MODEL]) as raw:
        name = raw["Id"]

        def memory_bytes() -> float:
            usage = parse_usage(connect().api.stats(name, stream=False))
            return usage.memory_bytes or 0

        def log() -> str:
            return connect().api.logs(name).decode()

        yield Target(bridge_url(raw), memory_bytes, log)


@contextmanager
def processes(folder: Path) -> Iterator[Target]:
    """Start the service as processes of this machine, two workers of them."""
    with local_process(folder / MODEL / "model.pkl", workers=2) as target:
        yield target
