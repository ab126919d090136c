"""The tokens of services that infer started: each service has a folder, which its owner alone may enter.

In it, `token` holds the owner's token, for the commands of infer. The folder `shared` is what the container
sees of it: `tokens`, with the digests of all tokens, in the form that `service.access.tokens` reads. Any user
of the container may read that, and nobody else of this machine comes as far.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import sys
import tempfile
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

# The name of the token that infer keeps.
OWNER = "owner"
SCOPES = ("predict", "metrics", "admin")
TOKENS_FILE = "tokens"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")


class Listed(NamedTuple):
    """A token as a list shows it."""

    name: str
    scopes: tuple[str, ...]


def state_folder() -> Path:
    """Where infer keeps what it cannot make again: `INFER_STATE_DIR`, else a folder of the user."""
    if chosen := os.environ.get("INFER_STATE_DIR"):
        return Path(chosen)
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "infer"
    return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "infer"


def make_sure(access_id: str | None) -> str:
    """The id of a folder with an owner's token: the given one, or a new one; what is gone is made anew."""
    access_id = access_id or new_id()
    if token_of(access_id) is None or not (shared_folder(access_id) / TOKENS_FILE).is_file():
        put(access_id, OWNER, SCOPES)
        _note_of(access_id).touch(mode=0o600)
    return access_id


def new_id() -> str:
    """An id that no service has."""
    return secrets.token_hex(8)


def shared_folder(access_id: str) -> Path:
    """The folder that the container sees."""
    return _folder(access_id) / "shared"


def token_of(access_id: str | None) -> str | None:
    """The owner's token; None if this user has none."""
    if access_id is None:
        return None
    try:
        return (_folder(access_id) / "token").read_text() or None
    except OSError:
        return None


def take_unshown(access_id: str | None) -> str | None:
    """The owner's token, the first time that it is asked for in this way; None from then on."""
    if access_id is None or not _note_of(access_id).exists():
        return None
    _note_of(access_id).unlink()
    return token_of(access_id)


def listed(access_id: str) -> tuple[Listed, ...]:
    """All tokens of a service, in the order in which they were made."""
    parts = [line.split() for line in _lines(access_id)]
    return tuple(Listed(name, tuple(scopes.split(","))) for name, scopes, _ in parts)


def put(access_id: str, name: str, scopes: tuple[str, ...]) -> str:
    """Make a token, in the place of the one of this name, and return it: it is shown nowhere else."""
    token = f"infer_{secrets.token_urlsafe(32)}"
    line = f"{name} {','.join(scopes)} sha256:{sha256(token.encode()).hexdigest()}"
    others = [other for other in _lines(access_id) if other.split()[0] != name]
    _write(access_id, [*others, line])
    if name == OWNER:
        replace_file(_folder(access_id) / "token", token, mode=0o600)
    return token


def drop(access_id: str, name: str) -> bool:
    """Take a token away; False if there is none of this name."""
    lines = _lines(access_id)
    others = [line for line in lines if line.split()[0] != name]
    _write(access_id, others)
    return len(others) < len(lines)


def forget(access_id: str) -> None:
    """Remove all that was kept for a service."""
    shutil.rmtree(_folder(access_id), ignore_errors=True)


def is_name(text: str) -> bool:
    """Whether a token may have this name."""
    return _NAME.fullmatch(text) is not None


def _folder(access_id: str) -> Path:
    # The id is read from a label of a container: it must not lead to any other folder.
    return state_folder() / "services" / (re.sub(r"[^0-9a-f]", "", access_id) or "none")


def _note_of(access_id: str) -> Path:
    return _folder(access_id) / "unshown"


def _lines(access_id: str) -> list[str]:
    with suppress(OSError):
        return (shared_folder(access_id) / TOKENS_FILE).read_text().splitlines()
    return []


def make_folder(access_id: str) -> Path:
    """Make the folder of a service, which its owner alone may enter; give the one that the container sees."""
    shared = shared_folder(access_id)
    _folder(access_id).mkdir(mode=0o700, parents=True, exist_ok=True)
    shared.mkdir(exist_ok=True)
    shared.chmod(0o755)
    return shared


def _write(access_id: str, lines: list[str]) -> None:
    shared = make_folder(access_id)
    replace_file(shared / TOKENS_FILE, "".join(f"{line}\n" for line in lines), mode=0o644)


def replace_file(file: Path, text: str, *, mode: int) -> None:
    """Write a file anew: whoever reads it meanwhile reads the old one or the new one."""
    number, draft = tempfile.mkstemp(dir=file.parent)
    with os.fdopen(number, "w") as opened:
        opened.write(text)
    Path(draft).chmod(mode)
    Path(draft).replace(file)
