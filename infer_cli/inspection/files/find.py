"""Finding the model file in a model folder."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from infer_cli.errors import ModelNotFound
from infer_cli.inspection.files.boosters import START_BYTES, library_of
from infer_cli.inspection.files.mlflow import read_mlflow
from infer_cli.inspection.files.packed import SUFFIXES as ARCHIVE_SUFFIXES
from infer_cli.inspection.files.packed import is_packed, one_model, unpacked

SUFFIXES = (".pkl", ".pickle", ".joblib", ".skops", ".onnx", ".lean", ".ubj", ".cbm")
# The files of boosters, and pickles, may have these suffixes, too, which other files have as well.
_SHARED_SUFFIXES = (".json", ".txt", ".model", ".bin", ".cb", ".lgb", ".xgb", ".sav", ".dill", ".pk", ".p")
# What pickles begin with, from protocol 2 on.
_PICKLE_START = re.compile(rb"\x80[\x02-\x05]")
# Where macOS puts what it knows of the files in an archive.
_OF_MACOS = "__MACOSX"
# A compressed pickle has one of these suffixes after its own, as in model.pkl.gz.
COMPRESSED_SUFFIXES = (".gz", ".bz2", ".xz", ".lzma", ".z", ".lz4")
_PICKLE_SUFFIXES = (".pkl", ".pickle", ".joblib")


def find_model(folder: Path, name: str | None = None) -> Path:
    """Give the model file of this name in the folder, or without a name the only model file there.

    In a model folder of MLflow, that is the file of its flavour. Raises `ModelNotFound` if there is no such
    file, or if there are several without a name. Of an archive, it is the model inside, as unpacked.
    """
    if not folder.exists():
        message = f"There is no folder {folder}."
        raise ModelNotFound(message, hint="Name the folder that holds the model with --model-dir.")
    if not folder.is_dir():
        message = f"{folder} is not a folder."
        options = f"--model-dir {shlex.quote(str(folder.parent))} --model-file {shlex.quote(folder.name)}"
        hint = f"Name the folder that holds it: {options}"
        raise ModelNotFound(message, hint=hint)
    try:
        return within(_only(folder) if name is None else _named(folder, name))
    except OSError as error:
        message = f"{folder} cannot be read: {error.strerror or error}."
        raise ModelNotFound(message) from error


def within(path: Path) -> Path:
    """Give the model inside of an archive, and any other file as it is; raises `ModelError`."""
    if not is_packed(path) or not path.is_file():
        return path
    folder = unpacked(path)
    inner_folders = (inner for inner in folder.rglob("*") if inner.is_dir() and inner.name != _OF_MACOS)
    folders = [folder, *sorted(inner_folders)]
    mlflow = [found.file for inner in folders if (found := read_mlflow(inner)) is not None]
    models = [model for inner in folders for model in models_in(inner) if not is_packed(model)]
    return one_model(path, mlflow or models, folder)


def models_in(folder: Path) -> tuple[Path, ...]:
    """Give the files in the folder that have the suffix of a model or an archive, sorted by name.

    A file whose suffix other files have as well counts if its first bytes are those of a booster or pickle.
    """
    return tuple(sorted(path for path in folder.iterdir() if path.is_file() and _is_model(path)))


def _is_model(path: Path) -> bool:
    if path.name.startswith("."):
        # Hidden, as `._model.pkl.gz`, which macOS puts beside a file in an archive.
        return False
    if not path.name.lower().endswith(_SHARED_SUFFIXES):
        return _is_model_name(path.name)
    try:
        with path.open("rb") as file:
            start = file.read(START_BYTES)
    except OSError:
        return False
    return library_of(start) is not None or _PICKLE_START.match(start) is not None


def _is_model_name(name: str) -> bool:
    lower = name.lower()
    if lower.endswith(ARCHIVE_SUFFIXES):
        return True
    for suffix in COMPRESSED_SUFFIXES:
        if lower.endswith(suffix):
            return lower.removesuffix(suffix).endswith(_PICKLE_SUFFIXES)
    return lower.endswith(SUFFIXES)


def model_stem(name: str) -> str:
    """The name of a model file without its format and compression: `iris.v1` for `iris.v1.pkl.gz`."""
    for suffixes in (ARCHIVE_SUFFIXES, COMPRESSED_SUFFIXES, (*SUFFIXES, *_SHARED_SUFFIXES)):
        found = next((suffix for suffix in suffixes if name.lower().endswith(suffix)), "")
        name = name[: len(name) - len(found)] or name
    return name


def _only(folder: Path) -> Path:
    if (mlflow := read_mlflow(folder)) is not None:
        return mlflow.file
    models = models_in(folder)
    if len(models) == 1:
        return models[0]
    if models:
        message = f"There are {len(models)} models in {folder}."
        hint = f"Choose one with --model-file, as in --model-file {shlex.quote(models[0].name)}"
        raise ModelNotFound(message, hint=hint, detail=_listed(models))
    message = f"There is no model in {folder}."
    hint = (
        f"Save one there; infer looks for {', '.join(SUFFIXES[:-1])} and {SUFFIXES[-1]} files, "
        "compressed ones such as .pkl.gz, and .json and .txt files of XGBoost and LightGBM. "
        "A file of another name is given with --model-file."
    )
    raise ModelNotFound(message, hint=hint)


def _named(folder: Path, name: str) -> Path:
    path = folder / name
    # The container gets the folder alone, so it would not see a file elsewhere.
    if Path(name).is_absolute() or ".." in Path(name).parts:
        message = f"{name} is not within the model folder {folder}."
        raise ModelNotFound(message, hint="Name the folder that holds the file with --model-dir.")
    if path.is_file():
        return path
    models = models_in(folder)
    message = f"There is no file {name} in {folder}."
    if not models:
        raise ModelNotFound(message, hint="The folder holds no model at all: is it the right folder?")
    raise ModelNotFound(
        message, hint="Name one of the listed models with --model-file.", detail=_listed(models)
    )


def _listed(models: tuple[Path, ...]) -> str:
    return "\n".join(model.name for model in models)
