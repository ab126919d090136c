"""Asks the service in this container whether it is ready: `python3 -m service.health`, exit code 0 or 1.

The service is ready as long as one of its workers answers. A connection comes to one worker, which may be
stopped, or busy in compiled code, until it is replaced; so further connections are tried meanwhile.

Each health check starts this program anew, so it imports few modules, all from the standard library.
"""

from __future__ import annotations

import http.client
import os
import sys
import threading
from contextlib import closing
from queue import Empty, SimpleQueue

TIMEOUT_S = 3
# After this time without an answer, a further connection is tried; it comes to a random worker.
NEXT_AFTER_S = 0.3
MOST_CONNECTIONS = 8
DEFAULT_PORT = "5000"
LOOPBACK = "127.0.0.1"


def check(port: str, *, has_tls: bool = False) -> tuple[bool, str]:
    """Tell whether the service on this port is ready, and give its answer in one line."""
    try:
        with closing(_connection(int(port), has_tls=has_tls)) as connection:
            connection.request("GET", "/readyz")
            response = connection.getresponse()
            text = response.read().decode("utf-8", "replace").strip()
    except (OSError, ValueError, http.client.HTTPException) as error:
        return False, f"no answer on port {port}: {error}"
    return response.status == http.client.OK, f"{response.status} {text}"


def _connection(port: int, *, has_tls: bool) -> http.client.HTTPConnection:
    if not has_tls:
        return http.client.HTTPConnection(LOOPBACK, port, timeout=TIMEOUT_S)
    import ssl  # noqa: PLC0415 (not needed for plain HTTP)

    # The connection stays in this container, and nothing secret is sent. That the certificate is the one that
    # clients expect, or has not expired, is not what this check tells.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return http.client.HTTPSConnection(LOOPBACK, port, timeout=TIMEOUT_S, context=context)


def check_workers(port: str, *, has_tls: bool = False) -> tuple[bool, str]:
    """Give what the first worker answers that answers, as `check` does."""
    answers: SimpleQueue[tuple[bool, str]] = SimpleQueue()
    for _ in range(MOST_CONNECTIONS):
        ask = lambda: answers.put(check(port, has_tls=has_tls))  # noqa: E731 (it is called once)
        threading.Thread(target=ask, daemon=True).start()
        try:
            return answers.get(timeout=NEXT_AFTER_S)
        except Empty:
            pass
    return answers.get()


def main() -> int:
    """Print the answer in one line; give the exit code, 0 if the service is ready, else 1."""
    has_tls = bool(os.environ.get("TLS_CERTIFICATE", "").strip())
    is_ready, line = check_workers(os.environ.get("PORT", "").strip() or DEFAULT_PORT, has_tls=has_tls)
    print(line)  # noqa: T201 (Docker keeps the output of a health check)
    return 0 if is_ready else 1


if __name__ == "__main__":
    sys.exit(main())
