"""How a program in the same container asks the first process of a service to load its model again.

The process listens on a UNIX socket that has a name and no file. A request is one line of JSON, and so is the
answer, which comes when the request was carried out.
"""

from __future__ import annotations

import json
import os
import socket
import struct
import uuid
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# What may be asked: to load the model file, and to serve the model that was served before.
RELOAD, ROLLBACK = KINDS = ("reload", "rollback")
# What no program asks: to serve the same model with a renewed certificate.
RENEW = "renew"
_NAME = "infer-control-"
_PEER = struct.Struct("3i")
_LONGEST_LINE = 1000
# How long a program has to say what it wants, once it is connected.
_PATIENCE_S = 1.0
_MOST_WAITING = 8


@dataclass
class Wish:
    """What is asked of the first process; `reply` is None where nobody waits for an answer."""

    kind: str = RELOAD
    takes_any_inputs: bool = False
    reply: socket.socket | None = None

    def answer(self, answer: Mapping[str, object]) -> None:
        """Answer who asked, and hang up."""
        if self.reply is not None:
            with suppress(OSError):  # It does not wait any more.
                self.reply.sendall(json.dumps(answer).encode() + b"\n")
            self.reply.close()


class Control:
    """Listens for programs of the same user."""

    def __init__(self, port: int) -> None:
        """`port` is the one that the service answers on, by which programs tell services apart."""
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        # The name begins with a zero byte: it is none of a file (unix(7)).
        self.socket.bind(f"\0{_name(port)}{uuid.uuid4().hex}")
        self.socket.listen(_MOST_WAITING)
        self.socket.setblocking(False)  # noqa: FBT003 (its only argument)

    def wishes(self) -> Iterator[Wish]:
        """Give what is asked now. Another user, and whoever says nothing within a second, gets no answer."""
        while True:
            try:
                peer, _ = self.socket.accept()
            except OSError:
                return
            wish = _read_wish(peer)
            if wish is None:
                peer.close()
            else:
                yield wish

    def close(self) -> None:
        """Listen no more."""
        self.socket.close()


def _read_wish(peer: socket.socket) -> Wish | None:
    try:
        _, user, _ = _credentials(peer)
        if user not in (0, os.geteuid()):
            return None
        peer.settimeout(_PATIENCE_S)
        asked = json.loads(_line(peer))
        if asked["kind"] not in KINDS:
            return None
        return Wish(asked["kind"], asked.get("takes_any_inputs") is True, peer)
    except (OSError, ValueError, LookupError, TypeError):
        return None


def ask(kind: str, *, port: int, takes_any_inputs: bool, timeout_s: float) -> dict[str, object]:
    """Ask the service in this container, and give its answer; raise `OSError` if there is none.

    `port` is that of the service; where only one service can be asked, its port does not matter.
    """
    names = _names()
    of_port = [name for name in names if name.startswith(_name(port))]
    for name in of_port or names[:1]:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection, suppress(ConnectionError):
            connection.settimeout(timeout_s)
            connection.connect(f"\0{name}")
            # Where several containers have one network, others listen, too. They have no process id here.
            if not _credentials(connection)[0]:
                continue
            wish = {"kind": kind, "takes_any_inputs": takes_any_inputs}
            connection.sendall(json.dumps(wish).encode() + b"\n")
            answer = _line(connection)
            if answer:
                found: dict[str, object] = json.loads(answer)
                return found
    raise OSError("no service is running here that can load its model again")


def _name(port: int) -> str:
    return f"{_NAME}{port}-"


def _names() -> list[str]:
    lines = Path("/proc/net/unix").read_text().splitlines()
    names = (line.split(" ")[-1] for line in lines)
    return sorted({name[1:] for name in names if name.startswith(f"@{_NAME}")})


def _credentials(peer: socket.socket) -> tuple[int, int, int]:
    """Give the process, user and group at the other end; the process is 0 if it has no id here."""
    process, user, group = _PEER.unpack(peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size))
    return process, user, group


def _line(connection: socket.socket) -> bytes:
    found = b""
    while not found.endswith(b"\n") and len(found) < _LONGEST_LINE * 10:
        part = connection.recv(_LONGEST_LINE)
        if not part:
            break
        found += part
    return found
