"""Asks the service in this container whether it is ready: `python3 -m service.health`, exit code 0 or 1.

Each health check starts this program anew, so it imports few modules, all from the standard library.
"""

from __future__ import annotations

import http.client
import os
import sys

TIMEOUT_S = 3
DEFAULT_PORT = "5000"
LOOPBACK = "127.0.0.1"


def check(port: str) -> tuple[bool, str]:
    """Tell whether the service on this port is ready, and give its answer in one line."""
    try:
        connection = http.client.HTTPConnection(LOOPBACK, int(port), timeout=TIMEOUT_S)
        connection.request("GET", "/readyz")
        response = connection.getresponse()
        text = response.read().decode("utf-8", "replace").strip()
    except (OSError, ValueError, http.client.HTTPException) as error:
        return False, f"no answer on port {port}: {error}"
    return response.status == http.client.OK, f"{response.status} {text}"


def main() -> int:
    """Print the answer in one line; give the exit code, 0 if the service is ready, else 1."""
    is_ready, line = check(os.environ.get("PORT", "").strip() or DEFAULT_PORT)
    print(line)  # noqa: T201 (Docker keeps the output of a health check)
    return 0 if is_ready else 1


if __name__ == "__main__":
    sys.exit(main())
