"""Compiled models: what their description says, and whether the archive is what it seems.

The numbers are not looked at: `service/compiler/archive.py` reads and checks all of a file that it loads,
and is what counts when it is served.
"""

from __future__ import annotations

import json
import math
import zipfile
from typing import IO, TYPE_CHECKING, Any

from infer_cli.inspection.facts.gather import FEATURES_MAX, Facts
from infer_cli.inspection.facts.model import CompiledFrom, Feature, RecordedVersion
from infer_cli.inspection.files.refusal import Refused

if TYPE_CHECKING:
    from infer_cli.inspection.facts.model import Json

FORMAT = 1
DESCRIPTION = "model.json"
DESCRIPTION_BYTES_MAX = 64 * 1024 * 1024
# Where the name of an archive's first file stands.
_FIRST_NAME = slice(30, 30 + len(DESCRIPTION))
_HINT = "Compile the model again: `infer compile MODEL`."
_FEATURE_KINDS = ("number", "text", "category", "date", "boolean", "any")


def is_compiled(start: bytes) -> bool:
    """Say by its first bytes whether a zip is a compiled model, as the service does."""
    return start[_FIRST_NAME] == DESCRIPTION.encode()


def read_compiled(file: IO[bytes]) -> Facts:
    """Read what a compiled model says of itself; refuse what is none."""
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
    """Refuse an archive with more in it than a compiled model, or that unfolds to more than it holds."""
    entries = archive.infolist()
    names = sorted(entry.filename for entry in entries)
    if names != sorted([DESCRIPTION, *(f"{number}.npy" for number in range(len(names) - 1))]):
        raise _refused("holds files that are no part of a compiled model")
    if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
        raise _refused("is a compiled model that was compressed inside")
    if sum(entry.file_size for entry in entries) > archive.start_dir:
        raise _refused("says that it holds more than it does")
    if archive.getinfo(DESCRIPTION).file_size > DESCRIPTION_BYTES_MAX:
        raise _refused("has a description larger than infer looks at")


def _facts(described: dict[str, Any]) -> Facts:
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


def _feature(described: dict[str, Any]) -> Feature:
    kind, categories = described["type"], described["categories"]
    if kind not in _FEATURE_KINDS:
        raise ValueError(kind)
    return Feature(
        name=_text(described["name"]),
        type=kind,
        required=bool(described["required"]),
        nullable=bool(described["nullable"]),
        categories=None if categories is None else tuple(map(_plain, categories)),
        is_open=bool(described["is_open"]),
    )


def _origin(described: dict[str, Any]) -> CompiledFrom:
    origin, generated, given = described["origin"], described["generated"], described["given"]
    parities = [generated] if given is None else [generated, given]
    return CompiledFrom(
        file=_text(origin["file"]),
        digest=_text(origin["digest"]),
        estimator=_text(origin["estimator"]),
        packages=tuple(RecordedVersion(_text(name), _text(version)) for name, version in origin["packages"]),
        generated_rows=_whole(generated["rows"]),
        given_rows=0 if given is None else _whole(given["rows"]),
        largest_difference=max(
            _number(parity[name])
            for parity in parities
            for name in ("value_difference", "probability_difference")
        ),
    )


def _whole(value: Json) -> int:
    if type(value) is not int:
        raise TypeError(value)
    return value


def _number(value: Json) -> float:
    if not isinstance(value, float) or not math.isfinite(value):
        return float(_whole(value))
    return value


def _text(value: Json) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value


def _plain(value: Json) -> bool | int | float | str | None:
    """A class or category; a date is given as its text."""
    if isinstance(value, dict):
        return _text(value["date"])
    if isinstance(value, list):
        raise TypeError(value)
    return value
