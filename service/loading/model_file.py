"""Loads the model of a model file, whatever the format of the file.

Loading a pickle runs the code that the pickle names, so `unpickling` loads it by the allow-list of `policy`.
`skops_archive` loads an archive of skops by the same list. `onnx_model` runs an ONNX model with ONNX Runtime.
`booster_files` loads what XGBoost, LightGBM and CatBoost write themselves. A compiled model is data, which
`compiled_model` reads. `explanations` gives the reason if a file cannot be loaded.
"""

from __future__ import annotations

import hashlib
import os
import shlex
import stat
import warnings
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Callable, NamedTuple

from service import stages
from service.errors import Forbidden, ModelUnloadable, UnusableFile
from service.loading.booster_files import booster_model, is_booster, load_booster, pickled_booster
from service.loading.compiled_model import CompiledModel, is_compiled, load_compiled
from service.loading.compiled_parts import check_values
from service.loading.contents import check_contents
from service.loading.data_files import refuse_data_files
from service.loading.explanations import (
    CONTENTS_ADVICE,
    COPY_ADVICE,
    RETRAIN_ADVICE,
    SAVE_ADVICE,
    explain,
    explain_model,
    is_about_versions,
    warning_line,
)
from service.loading.members import choose_member, names_beside
from service.loading.onnx_model import load_onnx
from service.loading.policy import Policy
from service.loading.signatures import ONNX_START, ZIP_START, start_of
from service.loading.skops_archive import load_skops
from service.loading.unpickling import load_safely
from service.logs import LOGGER
from service.models.fitted_model import FittedModel
from service.models.model_input import onnx_input
from service.schema.declared import FILE_NAME, NOTHING_DECLARED, Declared

if TYPE_CHECKING:
    from pathlib import Path

    from service.models.model import Model

PICKLE_SUFFIXES = (".dill", ".joblib", ".p", ".pickle", ".pk", ".pkl", ".sav")
# The files of boosters have many names; `.ubj` and `.cbm` are those of XGBoost and CatBoost.
BOOSTER_SUFFIXES = (".bin", ".cb", ".cbm", ".json", ".lgb", ".model", ".txt", ".ubj", ".xgb")
SUFFIXES = (*PICKLE_SUFFIXES, ".lean", ".onnx", ".skops", *BOOSTER_SUFFIXES)
COMPRESSION_SUFFIXES = (".bz2", ".gz", ".lz4", ".lzma", ".xz", ".z", ".zlib")

STALE_ADVICE = f"Save the model again with infer_cli.save, or remove {FILE_NAME}"
RENAME_ADVICE = "Write it under another name, and then rename it"
MOUNT_ADVICE = "Mount the model folder and set MODEL_FILE to the path of the model in it"


@dataclass(frozen=True)
class LoadedModel:
    """A model, and the file that it was loaded from, with the digest of the file as `sha256:…`.

    `declared` is what the user says of the model.
    """

    model: Model
    file: Path
    size_bytes: int
    digest: str
    declared: Declared = NOTHING_DECLARED


class _Format(NamedTuple):
    """A format of model files: how a file is read, and how the object that it holds becomes a model."""

    read: Callable[[Path, Policy], object]
    # The object is what `read` of the same format gives; the types of the formats have nothing in common.
    model_of: Callable[[Any, Declared], Model]


def load_model(
    file: Path,
    trusted: tuple[str, ...] = (),
    *,
    versions_must_match: bool = False,
    declared: Declared = NOTHING_DECLARED,
    kept: Path | None = None,
) -> LoadedModel:
    """Load the model of a file; raise `ModelUnloadable` if the file holds no model that can predict.

    Each name that the file imports must be on the allow-list, or be in `trusted`, which holds modules and
    full names. A model of another version of scikit-learn is an error if `versions_must_match`, else a
    warning in the log. `declared` tells what the model itself does not tell. `kept` is where the file is read
    if it was kept from before.
    """
    _check_suffix(file)
    source = kept or file
    status = _check_status(file, source)
    digest = _digest(file, source)
    if declared.digest not in (None, digest):
        raise ModelUnloadable(file, f"its {FILE_NAME} was written for another model file", STALE_ADVICE)
    found = _format_of(source)
    stages.tell(stages.READING)
    held = _read(found, file, source, Policy(trusted), versions_must_match=versions_must_match)
    if _is_changed(source, status):
        raise ModelUnloadable(file, "it was changed while it was read", RENAME_ADVICE)
    refuse_data_files()
    stages.tell(stages.PREDICTING)
    try:
        model = found.model_of(held, declared)
    except UnusableFile as error:
        raise ModelUnloadable(file, f"it {error}", error.advice) from error
    except Exception as error:  # A model that lacks a part, or has a wrong one, raises any error.
        raise explain_model(file, held, error) from error
    _check_names(file, model)
    if isinstance(model, FittedModel):
        model.try_rows()
    return LoadedModel(model=model, file=file, size_bytes=status.st_size, digest=digest, declared=declared)


def _check_names(file: Path, model: Model) -> None:
    """Refuse names that no request could be sent with: those with half of a surrogate pair."""
    odd = [one.name for one in model.features if any("\ud800" <= each <= "\udfff" for each in one.name)]
    if odd:
        raise ModelUnloadable(file, f"it has a feature whose name is no text: {odd[0]!r}", SAVE_ADVICE)


def _format_of(file: Path) -> _Format:
    """Tell the format by the first bytes of the file, whatever its name."""
    start = start_of(file)
    if is_compiled(start):
        return _Format(lambda path, _: load_compiled(path), _compiled)
    if is_booster(start):
        return _Format(lambda path, _: load_booster(path), booster_model)
    if start.startswith(ZIP_START):
        return _Format(load_skops, _fitted)
    if start.startswith(ONNX_START):
        return _Format(lambda path, _: load_onnx(path), _onnx)
    return _Format(load_safely, _fitted)


def _compiled(held: CompiledModel, declared: Declared) -> Model:
    # A declaration is about the file that this one was compiled from; only what is optional may be new.
    optional = frozenset(declared.optional)
    held.features = tuple(
        replace(one, required=one.required and one.name not in optional) for one in held.features
    )
    return held


def _onnx(held: object, declared: Declared) -> Model:
    return FittedModel(held, declared, input_for=onnx_input)


def _fitted(held: object, declared: Declared) -> Model:
    """Make a model of the object in a pickle or skops archive; raise `UnusableFile` if it cannot answer."""
    member = choose_member(held, declared.member)
    booster = pickled_booster(member.value)
    if booster is not None:
        return booster_model(booster, declared, member.names)
    return FittedModel(member.value, declared, listed_names=member.names or names_beside(member))


def _check_suffix(file: Path) -> None:
    # The content tells how a file is compressed, so the suffix of the compression does not matter: a
    # model.pkl.gz is a .pkl.
    suffixes = [suffix.lower() for suffix in file.suffixes] or [""]
    is_compressed = len(suffixes) > 1 and suffixes[-1] in COMPRESSION_SUFFIXES
    suffix = suffixes[-2] if is_compressed else suffixes[-1]
    if suffix not in (PICKLE_SUFFIXES if is_compressed else SUFFIXES):
        reason = f"the name of a model must end in {', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}"
        raise ModelUnloadable(file, reason, SAVE_ADVICE)


def _check_status(file: Path, source: Path) -> os.stat_result:
    try:
        status = source.stat()
    except PermissionError as error:
        raise _unreadable(file) from error
    except OSError as error:
        raise ModelUnloadable(file, "there is no such file", MOUNT_ADVICE) from error
    if not stat.S_ISREG(status.st_mode):
        raise ModelUnloadable(file, "it is not a file", MOUNT_ADVICE)
    if status.st_size == 0:
        raise ModelUnloadable(file, "it is empty", COPY_ADVICE)
    return status


def _is_changed(source: Path, before: os.stat_result) -> bool:
    """Tell whether another file stands there than when it was looked at, or the file was written to."""
    try:
        now = source.stat()
    except OSError:
        return True
    return (now.st_ino, now.st_size, now.st_mtime_ns) != (before.st_ino, before.st_size, before.st_mtime_ns)


def _unreadable(file: Path) -> ModelUnloadable:
    # The id and not the name of the user: in a container the id seldom has a name, and the host knows the id.
    reason = f"user id {os.geteuid()} may not read it"
    return ModelUnloadable(
        file, reason, f"Run chmod a+r {shlex.quote(file.name)} and chmod a+rx on the folders above it"
    )


def _digest(file: Path, source: Path) -> str:
    digest = hashlib.sha256()
    try:
        with source.open("rb") as stream:
            for block in iter(lambda: stream.read(2**20), b""):
                digest.update(block)
    except PermissionError as error:
        raise _unreadable(file) from error
    return f"sha256:{digest.hexdigest()}"


def _versions_of(caught: list[warnings.WarningMessage]) -> str | None:
    """Give what scikit-learn says of the version that wrote the file, in short words; None if nothing."""
    lines = [warning_line(one.message) for one in caught if is_about_versions(one.message)]
    return lines[0].partition(":")[0] if lines else None


def _check_contents(file: Path, held: object, policy: Policy) -> None:
    try:
        check_contents(held, policy)
    except Forbidden as error:
        raise ModelUnloadable(file, f"it {error}", CONTENTS_ADVICE) from error


def _read(found: _Format, file: Path, source: Path, policy: Policy, *, versions_must_match: bool) -> object:
    """Read the object in the source of the file; each warning of a library about it goes to the log once."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            held = found.read(source, policy)
            if found.model_of is _fitted:
                # Before anything of the model is called.
                _check_contents(file, held, policy)
                check_values(held)
        except ModelUnloadable:
            raise
        except UnusableFile as error:
            raise ModelUnloadable(file, f"it {error}", error.advice) from error
        except Exception as error:  # A function that the file names may raise any error.
            raise explain(file, error, _versions_of(caught)) from error
    if versions_must_match:
        for warning in caught:
            if is_about_versions(warning.message):
                raise ModelUnloadable(file, warning_line(warning.message), RETRAIN_ADVICE)
    for line in dict.fromkeys(warning_line(warning.message) for warning in caught):
        LOGGER.warning(line)
    return held
