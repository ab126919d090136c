"""Reading the files of boosters: each library has a format of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from infer_cli.inspection.files.refusal import Refused
from infer_cli.inspection.formats.catboost_file import read_catboost
from infer_cli.inspection.formats.lightgbm_file import read_lightgbm
from infer_cli.inspection.formats.xgboost_file import read_xgboost

if TYPE_CHECKING:
    from infer_cli.inspection.facts.booster_files import BoosterFile
    from infer_cli.inspection.files.boosters import Library
    from infer_cli.inspection.files.stream import Stream

# Text formats are read as a whole. A model of 1,000 trees with 1,000 leaves each has 100 MB.
BYTES_MAX = 2 * 2**30
READERS = {"xgboost": read_xgboost, "lightgbm": read_lightgbm, "catboost": read_catboost}


def read_booster(library: Library, stream: Stream, size_bytes: int) -> BoosterFile:
    """Read the file of a library; raise `Refused` if it is not sound. `size_bytes` is its size."""
    if size_bytes > BYTES_MAX:
        reason = f"is larger than {BYTES_MAX} bytes"
        raise Refused(reason, hint="Train a smaller model.")
    return READERS[library](stream, size_bytes)
