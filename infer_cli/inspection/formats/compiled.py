"""Reading a compiled model (`.lean`): its description, and whether the archive holds what it should.

The arrays are not read. `service/compiler/archive.py` reads and checks every part of a file that it loads,
and is what counts when a model is served.
"""

from __future__ import annotations

import json
import math
import zipfile
from typing import IO, TYPE_CHECKING, Any, TypeAlias

from infer_cli.inspection.facts.features import Feature
from infer_cli.inspection.facts.gather import FEATURES_MAX, Facts
from infer_cli.inspection.facts.model import CompiledFrom, RecordedVersion
from infer_cli.inspection.files.refusal import Refused

if TYPE_CHECKING:
    from infer_cli.inspection.facts.features import Json

    # JSON of a stranger's file, which may hold anything: each value is checked where it is used.
    Described: TypeAlias = dict[str, Any]

FORMAT = 1
DESCRIPTION = "model.json"
DESCRIPTION_BYTES_MAX = 64 * 1024 * 1024
# The bytes of a zip that hold the name of its first file.
_FIRST_NAME = slice(30, 30 + len(DESCRIPTION))
_HINT = "Compile the model again: `infer compile MODEL`."
_COLUMN_TYPES = ("number", "text", "category", "date", "boolean", "any")


def is_compiled(start: bytes) -> bool:
    """Say by its first bytes whether a zip is a compiled model, which starts with its description."""
    return start[_FIRST_NAME] == DESCRIPTION.encode()


def read_compiled(file: IO[bytes]) -> Facts:
    """Read the facts that a compiled model records; raise `Refused` if the file is not sound."""
    try:
        with zipfile.ZipFile(file) as archive:
            _check_entries(archive)
            described = json.loads(archive.read(DESCRIPTION))
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        raise _refused(f"is a damaged compiled model ({error})") from error
    if not isinstance(described, dict) or described.get("format") != FORMAT:
        raise _refused("was compiled by another version of infer")
    try:
        return _facts(described)
    except (KeyError, TypeError, ValueError) as error:
        raise _refused("is a compiled model with a description that infer does not understand") from error


def _refused(reason: str) -> Refused:
    return Refused(reason, hint=_HINT)


def _check_entries(archive: zipfile.ZipFile) -> None:
    """Refuse an archive with other files, with compressed files, or with more content than its own size."""
    entries = archive.infolist()
    names = sorted(entry.filename for entry in entries)
    if names != sorted([DESCRIPTION, *(f"{number}.npy" for number in range(len(names) - 1))]):
        raise _refused("holds files that are no part of a compiled model")
    if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
        raise _refused("is a compiled model that was compressed inside")
    if sum(entry.file_size for entry in entries) > archive.start_dir:
        raise _refused("says that it holds more than it does")
    if archive.getinfo(DESCRIPTION).file_size > DESCRIPTION_BYTES_MAX:
        raise _refused("has a description larger than infer reads")


def _facts(described: Described) -> Facts:
    kind, features = described["kind"], tuple(map(_feature, described["features"]))
    if kind not in ("classifier", "regressor") or not 0 < len(features) <= FEATURES_MAX:
        raise ValueError(kind)
    classes = described["classes"]
    return Facts(
        kind=kind,
        feature_names=tuple(feature.name for feature in features),
        feature_count=len(features),
        features=features,
        classes=None if classes is None else tuple(map(_plain, classes)),
        compiled_from=_origin(described),
    )


def _feature(described: Described) -> Feature:
    column_type, categories = described["type"], described["categories"]
    if column_type not in _COLUMN_TYPES:
        raise ValueError(column_type)
    return Feature(
        name=_string(described["name"]),
        type=column_type,
        # The files of older versions call each feature that may be missing not required.
        required=described.get("dtype") != "unused",
        nullable=bool(described["nullable"]),
        categories=None if categories is None else tuple(map(_plain, categories)),
        is_open=bool(described["is_open"]),
    )


def _origin(described: Described) -> CompiledFrom:
    """Read the original model, and how far the answers were from it, for generated and given rows."""
    origin, generated, given = described["origin"], described["generated"], described["given"]
    parities = [generated] if given is None else [generated, given]
    return CompiledFrom(
        file=_string(origin["file"]),
        digest=_string(origin["digest"]),
        estimator=_string(origin["estimator"]),
        packages=tuple(
            RecordedVersion(_string(name), _string(version)) for name, version in origin["packages"]
        ),
        generated_rows=_integer(generated["rows"]),
        given_rows=0 if given is None else _integer(given["rows"]),
        largest_difference=max(
            _number(parity[name])
            for parity in parities
            for name in ("value_difference", "probability_difference")
        ),
    )


def _integer(value: Json) -> int:
    if type(value) is not int:
        raise TypeError(value)
    return value


def _number(value: Json) -> float:
    if not isinstance(value, float) or not math.isfinite(value):
        return float(_integer(value))
    return value


def _string(value: Json) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value


def _plain(value: Json) -> bool | int | float | str | None:
    """Give a class or category; a date, which is an object with its ISO 8601 string, as this string."""
    if isinstance(value, dict):
        return _string(value["date"])
    if isinstance(value, list):
        raise TypeError(value)
    return value
