"""What infer does when the engine goes away in the middle of a command: asks again, or says so.

An engine that is restarted closes all connections, and answers again after a few seconds. An engine that
hangs keeps them and never answers; the request itself cannot tell that from a long build.
"""

from __future__ import annotations

import signal
import socket
import threading
import weakref
from functools import partial
from typing import TYPE_CHECKING, NoReturn
from urllib.parse import urlsplit

from infer_cli.errors import EngineUnavailable

if TYPE_CHECKING:
    from types import FrameType

    from docker import APIClient

    from infer_cli.engine.endpoints import Endpoint

# Requests that may be sent twice. Between the attempts are 0, 0.4, 0.8, 1.6, 3.2 and 6.4 seconds, together
# 12.4: a restart of the engine takes that long.
_REPEATABLE = frozenset({"GET", "HEAD", "DELETE"})
_ATTEMPTS_MORE = 6
_PAUSE_S = 0.2

# The engine is asked for a sign of life this often, and has this long for it. A busy engine is slow with
# other requests, but answers this one at once.
_PERIOD_S = 10.0
_SIGN_TIMEOUT_S = 10.0
# After so many missing signs in a row, the engine counts as hung.
_MISSED = 5
# How long each request for cleaning up may take then.
_LAST_TIMEOUT_S = 5


def survive_restarts(api: APIClient) -> None:
    """Let `api` repeat requests whose connection broke, if the engine may get them twice."""
    from urllib3.util.retry import Retry  # noqa: PLC0415 (slow to import)

    retries = Retry(
        total=_ATTEMPTS_MORE,
        status=0,
        redirect=False,
        allowed_methods=_REPEATABLE,
        backoff_factor=_PAUSE_S,
        raise_on_status=False,
        respect_retry_after_header=False,
    )
    for adapter in api.adapters.values():
        adapter.max_retries = retries  # type: ignore[attr-defined]  # of requests' adapters


def reason_of(error: BaseException) -> str:
    """The reason of a request without an answer in a few words."""
    text = str(error)
    for sign, reason in (
        ("Permission denied", "permission denied"),
        ("Connection refused", "connection refused"),
        ("No such file", "no such socket"),
        ("timed out", "no answer in time"),
        ("Name or service not known", "unknown host"),
        ("API versions below", "too old"),
        ("Remote end closed connection", "it closed the connection"),
        ("Connection reset", "it closed the connection"),
        ("Connection broken", "it closed the connection"),
        ("Broken pipe", "it closed the connection"),
    ):
        if sign in text:
            return reason
    return text.splitlines()[0] if text else type(error).__name__


def interrupt_if_hung(api: APIClient, endpoint: Endpoint) -> None:
    """Ask the engine for signs of life in a thread, and interrupt the command if the engine hangs.

    The command then gets an `EngineUnavailable` in the main thread, wherever it waits. Called in another
    thread, or for an engine behind SSH or TLS, this function does nothing.
    """
    is_main = threading.current_thread() is threading.main_thread()
    # Over SSH or TLS, each sign of life would be a login.
    if not is_main or endpoint.tls or not endpoint.url.startswith(("unix://", "tcp://", "http://")):
        return
    signal.signal(signal.SIGUSR1, partial(_interrupt, endpoint.url))
    # The thread ends with the client, which it therefore must not keep alive.
    arguments = (weakref.ref(api), endpoint.url, threading.get_ident())
    threading.Thread(target=_watch, args=arguments, name="signs of life", daemon=True).start()


def _watch(client: weakref.ref[APIClient], url: str, command: int) -> None:
    missed = 0
    pause = threading.Event()
    while missed < _MISSED:
        pause.wait(_PERIOD_S)
        if client() is None:
            return
        missed = 0 if _is_alive(url) else missed + 1
    if api := client():
        # What the command still asks for, to clean up, must not hang as well.
        api.timeout = _LAST_TIMEOUT_S
        for adapter in api.adapters.values():
            adapter.max_retries = adapter.max_retries.new(total=0)  # type: ignore[attr-defined]  # see above
    signal.pthread_kill(command, signal.SIGUSR1)


def _is_alive(url: str) -> bool:
    """Whether the engine answers. One that is away counts as well: a request to it ends with an error."""
    try:
        with _connected(url) as connection:
            connection.sendall(b"GET /_ping HTTP/1.0\r\nHost: engine\r\n\r\n")
            connection.recv(1)
    except TimeoutError:
        return False
    except OSError:
        return True
    return True


def _connected(url: str) -> socket.socket:
    """A connection to the engine, each of whose operations may take `_SIGN_TIMEOUT_S`; raises `OSError`."""
    address = urlsplit(url)
    if address.scheme != "unix":
        return socket.create_connection((address.hostname, address.port), timeout=_SIGN_TIMEOUT_S)
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.settimeout(_SIGN_TIMEOUT_S)
        connection.connect(address.path)
    except OSError:
        connection.close()
        raise
    return connection


def _interrupt(url: str, _number: int, _frame: FrameType | None) -> NoReturn:
    seconds = _MISSED * (_PERIOD_S + _SIGN_TIMEOUT_S)
    raise EngineUnavailable(
        f"the engine at {url} has not answered for {seconds:.0f} s",
        hint="restart it; what this command had begun may be left: `docker ps -a` shows it",
    )
