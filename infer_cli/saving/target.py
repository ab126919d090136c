"""The folder that is written: it appears whole, or everything stays as it was."""

from __future__ import annotations

import json
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from infer_cli.saving.failure import SaveFailed

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

MODEL_NAME = "model.pkl"
SCHEMA_NAME = "infer.json"
EXAMPLES_NAME = "examples.jsonl"
CODE_NAME = "code"
_OWN = {MODEL_NAME, SCHEMA_NAME, EXAMPLES_NAME, CODE_NAME}
# `infer compile` writes it.
_COMPILED = "compiled"
# Programs put these into every folder that they show.
_LITTER = {".DS_Store", ".ipynb_checkpoints", "Thumbs.db", "desktop.ini"}


@contextmanager
def drafted(folder: str | os.PathLike[str]) -> Iterator[tuple[Path, Path]]:
    """Give the final path of a folder, and a new folder to write, which takes its place at the end.

    After an error nothing has changed. Raises `SaveFailed` for a folder that must not be replaced or written.
    """
    # A link to a folder stays, and the folder that it leads to is replaced.
    target = Path(folder).resolve()
    _check(target)
    made = [parent for parent in target.parents if not parent.exists()]
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{target.name}.", dir=target.parent) as name:
            draft = Path(name) / target.name
            draft.mkdir(mode=0o755)
            yield target, draft
            _put(draft, target, Path(name) / "before")
    except OSError as error:
        _remove_empty(made)
        message = f"cannot write {error.filename or target}: {error.strerror or error}; nothing was changed"
        raise SaveFailed(message, hint="choose another folder, or let yourself write there") from error
    except BaseException:
        _remove_empty(made)
        raise


def _put(draft: Path, target: Path, before: Path) -> None:
    """Put the draft into the place of the target; an interrupt between the two steps is undone."""
    try:
        if target.exists():
            target.replace(before)
        draft.replace(target)
    except BaseException:
        if before.exists() and not target.exists():
            before.replace(target)
        raise


def _remove_empty(folders: list[Path]) -> None:
    for folder in folders:
        with suppress(OSError):
            folder.rmdir()


def _check(target: Path) -> None:
    if not target.exists():
        return
    if not target.is_dir():
        message = f"{target} is a file"
        raise SaveFailed(message, hint="give the name of a folder; the model gets a file in it")
    found = {path.name for path in target.iterdir()} - _LITTER
    if not found:
        return
    try:
        is_ours = "saved" in json.loads((target / SCHEMA_NAME).read_bytes())
    except (OSError, ValueError, TypeError):
        is_ours = False
    if not is_ours:
        message = f"{target} holds something that infer_cli.save did not write; nothing was changed"
        raise SaveFailed(message, hint="choose a new folder, or empty this one")
    if _is_compiled(target / _COMPILED):
        # Of the model that is replaced.
        found.discard(_COMPILED)
    if others := sorted(found - _OWN):
        message = f"{target} also holds {', '.join(others[:5])}, which would be lost; nothing was changed"
        raise SaveFailed(message, hint="move that away, or choose a new folder")


def _is_compiled(folder: Path) -> bool:
    return folder.is_dir() and all(path.suffix == ".lean" for path in folder.iterdir())
