"""The file of a compiled model (`.lean`): writes it, and reads it again. Serving it needs NumPy alone.

The file is a zip archive of entries that are stored without compression: `model.json` holds everything but
the arrays, and `N.npy` holds each array, in NumPy's own format and without objects
(https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html). All of it is data, and no code: see
`codec`. The same compiled model gives the same bytes.

::

    model.json   {"format": 1, "is": "Saved", "kind": "classifier", "path": {"is": "Chain", …}, …}
    0.npy, …     the arrays, which model.json names as {"array": 0}, …

The file also holds the rows of the trial with the model's own answers, so that the program is tried again
wherever it is loaded: see `service.loading.compiled_model`.
"""

from __future__ import annotations

import io
import json
import zipfile
from typing import IO, TYPE_CHECKING

import numpy as np

from service.compiler.codec import NPY_VERSION, Reader, array_name, encoded
from service.compiler.fields import FIELDS
from service.compiler.parity import TRIAL_ROWS_MIN
from service.compiler.saved import Saved
from service.errors import UnreadableArchive
from service.schema.features import is_mixed

if TYPE_CHECKING:
    from pathlib import Path

    from service.compiler.functions import Outcome
    from service.json_values import JsonValue
    from service.native.library import Array

FORMAT = 1
DESCRIPTION = "model.json"
DESCRIPTION_BYTES_MAX = 64 * 2**20
# The first day that zip archives can name: a fixed time gives the same bytes.
ENTRY_TIME = (1980, 1, 1, 0, 0, 0)


def write_saved(file: IO[bytes], saved: Saved) -> None:
    """Write a compiled model; raise `TypeError` for a value that the format cannot hold."""
    arrays: list[Array] = []
    described: dict[str, JsonValue] = {"format": FORMAT}
    described.update(encoded(saved, arrays, FIELDS))  # type: ignore[arg-type]  # a part becomes an object
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        _write(archive, DESCRIPTION, json.dumps(described, indent=1).encode())
        for number, array in enumerate(arrays):
            content = io.BytesIO()
            np.lib.format.write_array(content, array, version=NPY_VERSION, allow_pickle=False)
            _write(archive, array_name(number), content.getvalue())


def read_saved(file: Path | IO[bytes]) -> Saved:
    """Read what `write_saved` wrote; raise `UnreadableArchive` for any other file."""
    try:
        with zipfile.ZipFile(file) as archive:
            _check_entries(archive)
            content = json.loads(archive.read(DESCRIPTION))
            if not isinstance(content, dict) or content.pop("format", None) != FORMAT:
                raise UnreadableArchive("was compiled by another version of infer")
            saved = Reader(archive.read, 2 * archive.start_dir, FIELDS).part(content, Saved)
    except RecursionError:
        raise UnreadableArchive("is nested too deeply") from None
    except (zipfile.BadZipFile, ValueError, KeyError, EOFError, NotImplementedError, OverflowError) as error:
        raise UnreadableArchive(f"is no compiled model ({error})") from error
    _check(saved)
    return saved


def _write(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    archive.writestr(zipfile.ZipInfo(name, ENTRY_TIME), content)


def _check_entries(archive: zipfile.ZipFile) -> None:
    """Refuse an archive with other entries, or with entries that together claim more than its bytes."""
    entries = archive.infolist()
    names = [entry.filename for entry in entries]
    if DESCRIPTION not in names:
        raise UnreadableArchive(f"lacks {DESCRIPTION}")
    if sorted(names) != sorted([DESCRIPTION, *map(array_name, range(len(names) - 1))]):
        raise UnreadableArchive("holds files that are no part of a compiled model")
    if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
        raise UnreadableArchive("is compressed inside")
    # Several entries may claim the same bytes.
    size = archive.start_dir
    if sum(entry.file_size for entry in entries) > size:
        raise UnreadableArchive("says that it holds more than it does")
    if archive.getinfo(DESCRIPTION).file_size > DESCRIPTION_BYTES_MAX:
        raise UnreadableArchive(f"has a {DESCRIPTION} that is too long")


def _check(saved: Saved) -> None:
    """Refuse a compiled model whose features, classes and trial do not fit each other."""
    features, trial, answers = saved.features, saved.trial, saved.trial.wanted
    names = {feature.name for feature in features}
    if not features or len(names) != len(features):
        raise UnreadableArchive("has no features, or two features of one name")
    if any(feature.type == "number" and feature.dtype != "float64" for feature in features):
        raise UnreadableArchive("has a feature of numbers whose dtype is not float64")
    is_table = isinstance(trial.rows, np.ndarray)
    widths = {trial.rows.shape[1]} if isinstance(trial.rows, np.ndarray) else set(map(len, trial.rows))
    if is_table == is_mixed(features) or widths != {len(features)} or len(trial.rows) < TRIAL_ROWS_MIN:
        raise UnreadableArchive("has trial rows that are too few, or do not fit its features")
    counts = {len(part) for part in answers if part is not None and np.ndim(part)}
    if counts != {len(trial.rows)} or not np.ndim(answers.values):
        raise UnreadableArchive("does not have one answer for each trial row")
    if saved.kind == "classifier" and not _are_classes(answers, len(saved.classes or ())):
        raise UnreadableArchive("has answers that are none of its classes")


def _are_classes(answers: Outcome, count: int) -> bool:
    """Tell whether all answers are positions of `count` classes, with one probability for each class."""
    values = np.asarray(answers.values)
    are_positions = values.dtype.kind in "iu" and values.ndim == 1
    are_known = are_positions and bool(((values >= 0) & (values < count)).all())
    return are_known and (answers.probabilities is None or answers.probabilities.shape[1] == count)
