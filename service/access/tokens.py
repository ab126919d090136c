"""The tokens of a service: several, each with a name and scopes, known by their digests alone.

A file of tokens has a line for each: its name, its scopes with commas between, and the SHA-256 digest of the
token. A token is a long random text, so that nobody finds it by trying, and its digest needs no salt.
"""

from __future__ import annotations

import re
import time
from hashlib import sha256
from hmac import compare_digest
from typing import TYPE_CHECKING, NamedTuple

from service.errors import WrongSettings
from service.logs import LOGGER

if TYPE_CHECKING:
    from pathlib import Path

PREDICT, METRICS, ADMIN = SCOPES = ("predict", "metrics", "admin")
FORM = "NAME SCOPES sha256:DIGEST"
_LINE = re.compile(r"(?P<name>\S+)\s+(?P<scopes>\S+)\s+sha256:(?P<digest>[0-9a-fA-F]{64})")
# How long a token that was taken out of the file may still be taken.
LOOK_EVERY_S = 1.0


class Token(NamedTuple):
    """A token as the service knows it."""

    name: str
    scopes: frozenset[str]
    digest: bytes


class TokenFile:
    """The tokens of a file, which is read again when it has changed."""

    def __init__(self, file: Path) -> None:
        """Read the file; raise `WrongSettings` if it cannot be read, or holds no token."""
        self._file = file
        self._mark = self._marked()
        self._tokens = self._read()
        if not self._tokens:
            raise WrongSettings((f"{file} holds no token: write a line `{FORM}` for each",))
        self._look_at = time.monotonic() + LOOK_EVERY_S

    def scopes_of(self, token: str) -> frozenset[str] | None:
        """Give the scopes of a token, as the header has it (ISO 8859-1); None if there is no such token.

        The time that it takes tells nothing of the tokens of the file.
        """
        if time.monotonic() >= self._look_at:
            self._look_again()
        digest = sha256(token.encode("latin-1", "replace")).digest()
        found = None
        for one in self._tokens:
            if compare_digest(one.digest, digest):
                found = one.scopes
        return found

    def _look_again(self) -> None:
        """Read the file again if it has changed; if it cannot be read, the tokens stay as they are."""
        self._look_at = time.monotonic() + LOOK_EVERY_S
        mark = self._marked()
        if mark == self._mark:
            return
        self._mark = mark
        try:
            self._tokens = self._read()
        except WrongSettings as error:
            LOGGER.error("%s; the tokens that were read before stay in use", error.problems[0])
        else:
            LOGGER.info("read %s again, with %d tokens", self._file, len(self._tokens))

    def _marked(self) -> tuple[int, int, int] | None:
        """Give what changes with the file; None if there is none."""
        try:
            state = self._file.stat()
        except OSError:
            return None
        return state.st_ino, state.st_mtime_ns, state.st_size

    def _read(self) -> tuple[Token, ...]:
        try:
            text = self._file.read_text(encoding="utf-8")
        except OSError as error:
            raise WrongSettings((f"cannot read TOKENS_FILE {self._file}: {error.strerror}",)) from error
        except UnicodeDecodeError:
            # Without the reason, which would show a part of the file.
            raise WrongSettings((f"TOKENS_FILE {self._file} is no text in UTF-8",)) from None
        return tuple(
            self._token(line.strip(), number)
            for number, line in enumerate(text.splitlines(), 1)
            if line.strip() and not line.lstrip().startswith("#")
        )

    def _token(self, line: str, number: int) -> Token:
        """Read a line; an error does not show it, because it might hold the token itself."""
        found = _LINE.fullmatch(line)
        if found is None:
            raise WrongSettings((f"line {number} of {self._file} is not `{FORM}`",))
        scopes = frozenset(found["scopes"].split(","))
        if not scopes <= frozenset(SCOPES):
            problem = (
                f"line {number} of {self._file}: the scopes are {', '.join(SCOPES)}, with commas between"
            )
            raise WrongSettings((problem,))
        return Token(found["name"], scopes, bytes.fromhex(found["digest"]))
