"""Compiled models: short paths in a file, which need NumPy alone to be served.

The file is a zip archive whose entries are stored as they are: `model.json`, with everything but the arrays,
and `N.npy` for each array, in NumPy's own format without objects
(https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html). It holds data alone: see `parts`.
The same path gives the same bytes.

::

    model.json   {"format": 1, "is": "Saved", "kind": "classifier", "path": {"is": "Chain", …}, …}
    0.npy, …     the arrays, where model.json has {"array": 0}

The rows that the path was tried with come along, with the answers of the model itself: see `compiled_model`.
"""

from __future__ import annotations

import io
import json
import zipfile
from typing import IO, TYPE_CHECKING

import numpy as np

from service.compiler.codec import NPY_VERSION, Reader, array_name, encoded
from service.compiler.fields import FIELDS
from service.compiler.parity import FEWEST_ROWS
from service.compiler.saved import Saved
from service.errors import UnreadableArchive
from service.schema.features import is_mixed

if TYPE_CHECKING:
    from pathlib import Path

    from service.compiler.functions import Array, Outcome

FORMAT = 1
DESCRIPTION = "model.json"
# 1980-01-01, the first day of zip archives.
NO_TIME = (1980, 1, 1, 0, 0, 0)
LONGEST_DESCRIPTION = 64 * 2**20


def write_saved(file: IO[bytes], saved: Saved) -> None:
    """Write a compiled model; raise `TypeError` for what cannot be saved."""
    arrays: list[Array] = []
    described = {"format": FORMAT, **encoded(saved, arrays, FIELDS)}
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        _write(archive, DESCRIPTION, json.dumps(described, indent=1).encode())
        for number, array in enumerate(arrays):
            content = io.BytesIO()
            np.lib.format.write_array(content, array, version=NPY_VERSION, allow_pickle=False)
            _write(archive, array_name(number), content.getvalue())


def read_saved(file: Path | IO[bytes]) -> Saved:
    """Read what `write_saved` wrote; raise `UnreadableArchive`."""
    try:
        with zipfile.ZipFile(file) as archive:
            _check_entries(archive)
            content = json.loads(archive.read(DESCRIPTION))
            if not isinstance(content, dict) or content.pop("format", None) != FORMAT:
                raise UnreadableArchive("was compiled by another version of infer")
            saved: Saved = Reader(archive.read, 2 * archive.start_dir, FIELDS).part(content, Saved)
    except RecursionError:
        raise UnreadableArchive("is nested too deeply") from None
    except (zipfile.BadZipFile, ValueError, KeyError, EOFError, NotImplementedError, OverflowError) as error:
        raise UnreadableArchive(f"is no compiled model ({error})") from error
    _check(saved)
    return saved


def _write(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    archive.writestr(zipfile.ZipInfo(name, NO_TIME), content)


def _check_entries(archive: zipfile.ZipFile) -> None:
    """Refuse an archive with more in it, or that unfolds to more than it holds."""
    entries = archive.infolist()
    names = [entry.filename for entry in entries]
    if DESCRIPTION not in names:
        raise UnreadableArchive(f"lacks {DESCRIPTION}")
    if sorted(names) != sorted([DESCRIPTION, *map(array_name, range(len(names) - 1))]):
        raise UnreadableArchive("holds files that are no part of a compiled model")
    if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
        raise UnreadableArchive("is compressed inside")
    # Entries may claim the same bytes.
    size = archive.start_dir
    if sum(entry.file_size for entry in entries) > size:
        raise UnreadableArchive("says that it holds more than it does")
    if archive.getinfo(DESCRIPTION).file_size > LONGEST_DESCRIPTION:
        raise UnreadableArchive(f"has a {DESCRIPTION} that is too long")


def _check(saved: Saved) -> None:
    """Refuse parts that do not fit each other."""
    features, trial, wanted = saved.features, saved.trial, saved.trial.wanted
    names = {feature.name for feature in features}
    if not features or len(names) != len(features):
        raise UnreadableArchive("does not name its features, or one of them twice")
    if any(feature.type == "number" and feature.dtype != "float64" for feature in features):
        raise UnreadableArchive("has numbers that are no doubles")
    is_table = isinstance(trial.rows, np.ndarray)
    widths = {trial.rows.shape[1]} if isinstance(trial.rows, np.ndarray) else set(map(len, trial.rows))
    if is_table == is_mixed(features) or widths != {len(features)} or len(trial.rows) < FEWEST_ROWS:
        raise UnreadableArchive("has rows to be tried with that are not those of its features")
    counts = {len(part) for part in wanted if part is not None and np.ndim(part)}
    if counts != {len(trial.rows)} or not np.ndim(wanted.values):
        raise UnreadableArchive("has not one answer for each row that it is to be tried with")
    if saved.kind == "classifier" and not _are_classes(wanted, len(saved.classes or ())):
        raise UnreadableArchive("has answers that are none of its classes")


def _are_classes(wanted: Outcome, count: int) -> bool:
    values = np.asarray(wanted.values)
    is_position = values.dtype.kind in "iu" and values.ndim == 1
    is_known = is_position and bool(((values >= 0) & (values < count)).all())
    return is_known and (wanted.probabilities is None or wanted.probabilities.shape[1] == count)
