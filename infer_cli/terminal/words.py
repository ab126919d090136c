"""What a word of the command line names: a model file, or something else such as an image."""

from __future__ import annotations

from pathlib import Path

_MODEL_ENDINGS = (
    ".pkl",
    ".pickle",
    ".joblib",
    ".skops",
    ".onnx",
    ".lean",
    ".ubj",
    ".json",
    ".txt",
    ".cbm",
    ".tar",
    ".tgz",
    ".zip",
    ".gz",
    ".bz2",
    ".xz",
    ".z",
    ".lzma",
    ".lz4",
)


def looks_like_file(word: str) -> bool:
    """Whether a word was meant as a path, also of a file that does not exist."""
    return word.startswith(("/", ".", "~")) or word.lower().endswith(_MODEL_ENDINGS)


def looks_like_model(word: str) -> bool:
    """Whether a word was meant as the path of a model, or names a file that has an ending.

    A folder, or a file without an ending, may well have the name of an image.
    """
    return looks_like_file(word) or (Path(word).suffix != "" and Path(word).is_file())
