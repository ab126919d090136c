"""Opens the model file, and says in one line why it cannot.

Loading a pickle runs the code that it names, so it is loaded by an allow-list: see `policy` and `unpickling`.
So is an archive of skops: see `skops_schema`. An ONNX model is run by ONNX Runtime: see `onnx_model`.
A compiled model is data: see `compiled_model`.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import pickle
import re
import stat
import warnings
import zipfile
import zlib
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Callable, NamedTuple, cast

from service.errors import Forbidden, ModelUnloadable, UnusableFile
from service.loading.compiled_model import is_compiled, load_compiled
from service.loading.onnx_model import load_onnx
from service.loading.policy import Policy
from service.loading.skops_archive import load_skops
from service.loading.unpickling import load_safely
from service.logs import LOGGER
from service.models.fitted_model import FittedModel
from service.models.model_input import onnx_input

if TYPE_CHECKING:
    from pathlib import Path

    from service.models.estimators import Estimator
    from service.models.model import Model

PICKLE_SUFFIXES = (".joblib", ".pickle", ".pkl")
SUFFIXES = (*PICKLE_SUFFIXES, ".lean", ".onnx", ".skops")
COMPRESSION_SUFFIXES = (".bz2", ".gz", ".lz4", ".lzma", ".xz", ".z", ".zlib")

# What a zip starts with, and an ONNX model with the first of its fields.
SKOPS_START = b"PK\x03\x04"
ONNX_START = b"\x08"
# How much tells them all apart.
START_BYTES = 64
# A pickle (since 2003), then zlib, gzip, bzip2, lzma, xz and lz4.
PICKLE_STARTS = (b"\x80", b"x", b"\x1f", b"B", b"]", b"\xfd", b"\x04")

# What unpicklers, decompressors and numpy say when a file ends too early.
CUT_SHORT = re.compile(
    "truncated|exhausted|incomplete|EOF|requires a buffer|ended before|^index out of range", re.IGNORECASE
)

MOUNT_ADVICE = "Mount the model folder and set MODEL_FILE to the path of the model in it"
SAVE_ADVICE = "Save the trained model with joblib.dump(model, 'model.joblib')"
TRUST_ADVICE = (
    "Serve it only if you know who made it; if the name is of your own code, allow it with --trust MODULE "
    "(or TRUST=MODULE)"
)
SAFETY_ADVICE = "Do not use this file, unless you made it yourself; then save the fitted model alone"
COPY_ADVICE = "Copy or save the model again, and compare the sizes"
RETRAIN_ADVICE = (
    "Use an image with the packages that the model was trained with, or train it again with these"
)


@dataclass(frozen=True)
class LoadedModel:
    """The model that a file holds, and which file that is: its size in bytes, its digest as `sha256:…`."""

    model: Model
    file: Path
    size_bytes: int
    digest: str


class _Format(NamedTuple):
    """A format of model files: how a file is read, and what becomes a model of what is read."""

    read: Callable[[Path, Policy], object]
    model_of: Callable[[Any], Model]


def load_model(
    file: Path, trusted: tuple[str, ...] = (), *, versions_must_match: bool = False
) -> LoadedModel:
    """Load the model; raise `ModelUnloadable` if it is not one that can be asked for predictions.

    What it names must be on the allow-list, or `trusted`: modules, and full names.
    A model of another scikit-learn is only warned of, unless `versions_must_match`.
    """
    _check_suffix(file)
    size = _check_size(file)
    digest = _digest(file)
    found = _format_of(file)
    held = _read(found, file, Policy(trusted), versions_must_match=versions_must_match)
    try:
        model = found.model_of(held)
    except UnusableFile as error:
        raise ModelUnloadable(file, f"it {error}", error.advice) from error
    return LoadedModel(model=model, file=file, size_bytes=size, digest=digest)


def _format_of(file: Path) -> _Format:
    """Tell the format by what the file is, whatever its name says."""
    start = _start_of(file)
    if is_compiled(start):
        return _Format(lambda path, _: load_compiled(path), lambda model: model)
    if start.startswith(SKOPS_START):
        return _Format(load_skops, _fitted)
    if start.startswith(ONNX_START):
        return _Format(lambda path, _: load_onnx(path), partial(FittedModel, input_for=onnx_input))
    return _Format(load_safely, _fitted)


def _fitted(held: object) -> Model:
    """Take what a pickle holds for an estimator; raise `UnusableFile` if it cannot predict."""
    if not callable(getattr(held, "predict", None)):
        raise UnusableFile(f"holds a {type(held).__name__}, which has no predict method", SAVE_ADVICE)
    return FittedModel(cast("Estimator", held))


def _check_suffix(file: Path) -> None:
    # joblib tells by the content how a file is compressed; a model.pkl.gz is a .pkl.
    suffixes = [suffix.lower() for suffix in file.suffixes] or [""]
    is_compressed = len(suffixes) > 1 and suffixes[-1] in COMPRESSION_SUFFIXES
    suffix = suffixes[-2] if is_compressed else suffixes[-1]
    if suffix not in (PICKLE_SUFFIXES if is_compressed else SUFFIXES):
        reason = f"the name of a model must end in {', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}"
        raise ModelUnloadable(file, reason, SAVE_ADVICE)


def _check_size(file: Path) -> int:
    try:
        status = file.stat()
    except PermissionError as error:
        raise _unreadable(file) from error
    except OSError as error:
        raise ModelUnloadable(file, "there is no such file", MOUNT_ADVICE) from error
    if not stat.S_ISREG(status.st_mode):
        raise ModelUnloadable(file, "it is not a file", MOUNT_ADVICE)
    if status.st_size == 0:
        raise ModelUnloadable(file, "it is empty", COPY_ADVICE)
    return status.st_size


def _unreadable(file: Path) -> ModelUnloadable:
    # Not the name of the user: in a container the id seldom has one, and it is the id that matters outside.
    reason = f"user id {os.geteuid()} may not read it"
    return ModelUnloadable(file, reason, f"Run chmod a+r {file.name} and chmod a+rx on the folders above it")


def _digest(file: Path) -> str:
    digest = hashlib.sha256()
    try:
        with file.open("rb") as stream:
            for block in iter(lambda: stream.read(2**20), b""):
                digest.update(block)
    except PermissionError as error:
        raise _unreadable(file) from error
    return f"sha256:{digest.hexdigest()}"


def _read(found: _Format, file: Path, policy: Policy, *, versions_must_match: bool) -> object:
    """Read what the file holds; the warnings of libraries about it go to the log, each once."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            held = found.read(file, policy)
        except UnusableFile as error:
            raise ModelUnloadable(file, f"it {error}", error.advice) from error
        except Exception as error:  # Loading calls what the file names, which may raise anything.
            raise _explain(file, error) from error
    if versions_must_match:
        for warning in caught:
            if _is_about_versions(warning.message):
                raise ModelUnloadable(file, _warning_line(warning.message), RETRAIN_ADVICE)
    for line in dict.fromkeys(_warning_line(warning.message) for warning in caught):
        LOGGER.warning(line)
    return held


def _is_about_versions(warning: Warning | str) -> bool:
    return hasattr(warning, "original_sklearn_version")


def _warning_line(warning: Warning | str) -> str:
    """Put a library's warning on one line, and the one about versions in fewer words."""
    written_with = getattr(warning, "original_sklearn_version", None)
    here = getattr(warning, "current_sklearn_version", None)
    if written_with and here:
        versions = f"written with scikit-learn {written_with}, and this is scikit-learn {here}"
        return f"the model was {versions}: predictions may differ"
    return " ".join(str(warning).split())


def _explain(file: Path, error: Exception) -> ModelUnloadable:  # noqa: PLR0911 (one for each condition)
    """Put the error of a loader into the words of someone who has a model and a service."""
    if isinstance(error, pickle.UnpicklingError) and not CUT_SHORT.search(str(error)):
        return _explain_refusal(file, error)
    if isinstance(error, ModuleNotFoundError) and error.name:
        return _explain_missing_module(file, error.name)
    if isinstance(error, AttributeError):
        return _explain_missing_name(file, str(error))
    if isinstance(error, MemoryError):
        return ModelUnloadable(file, "it does not fit into memory", "Give the service more memory")
    if isinstance(error, (zipfile.BadZipFile, zlib.error)) and not CUT_SHORT.search(str(error)):
        return ModelUnloadable(file, f"it is damaged ({error})", COPY_ADVICE)
    if isinstance(error, EOFError) or CUT_SHORT.search(str(error)):
        return ModelUnloadable(file, "it is cut short", COPY_ADVICE)
    if not _is_known(file):
        return ModelUnloadable(file, f"it is not a pickle ({error})", SAVE_ADVICE)
    return ModelUnloadable(file, f"loading it raised {type(error).__name__}: {error}", RETRAIN_ADVICE)


def _explain_refusal(file: Path, error: pickle.UnpicklingError) -> ModelUnloadable:
    if not isinstance(error, Forbidden) or not _is_known(file):
        return ModelUnloadable(file, f"it is not a pickle ({error})", SAVE_ADVICE)
    if error.name is None:
        return ModelUnloadable(file, f"it {error}", SAFETY_ADVICE)
    if error.name.startswith("__main__."):
        advice = "Move that code from the training script into a module that the image has, and train again"
        return ModelUnloadable(file, str(error), advice)
    return ModelUnloadable(file, str(error), TRUST_ADVICE if error.is_unknown else SAFETY_ADVICE)


def _is_known(file: Path) -> bool:
    """Tell whether the first bytes are those of a zip, of a pickle, or of one that joblib compressed."""
    start = _start_of(file)
    return start.startswith(SKOPS_START) or start[:1] in PICKLE_STARTS


def _start_of(file: Path) -> bytes:
    with file.open("rb") as stream:
        return stream.read(START_BYTES)


def _explain_missing_module(file: Path, module: str) -> ModelUnloadable:
    reason = f"No module named {module!r}"
    package = module.partition(".")[0]
    if package != module and importlib.util.find_spec(package):
        reason += f" in the version of {package} that is here"
        return ModelUnloadable(file, reason, RETRAIN_ADVICE)
    return ModelUnloadable(file, reason, f"Use an image that has the package which provides {package}")


def _explain_missing_name(file: Path, message: str) -> ModelUnloadable:
    if "__main__" in message:
        advice = "Move that code from the training script into a module that the image has, and train again"
        return ModelUnloadable(file, message, advice)
    return ModelUnloadable(file, message, RETRAIN_ADVICE)
