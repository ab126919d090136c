"""Asks the running service to load its model file again: `python3 -m service.reload`.

With `--rollback`, the model that was served before is served again. With `--any-inputs`, the model may take
other inputs than the one that is served. One JSON object goes to standard output: `outcome` is `served`,
`rolled_back`, `unchanged` or `refused`, `reason` says why a model is refused, `digest` is that of the model
that is served now, and `before` that of the one that was served before. The exit code is 1 if a model is
refused, 3 if no service could be asked, else 0.

Only the standard library is used.
"""

from __future__ import annotations

import json
import os
import sys

from service.telemetry.service_record import REFUSED
from service.workers.control import RELOAD, ROLLBACK, ask

# Loading has a limit of its own; see the setting MAX_LOAD_SECONDS.
TIMEOUT_S = 24 * 3600
DEFAULT_PORT = 5000
NO_SERVICE = 3


def main() -> int:
    """Print the answer, and give the exit code."""
    options = sys.argv[1:]
    kind = ROLLBACK if "--rollback" in options else RELOAD
    try:
        port = int(os.environ.get("PORT", "").strip() or DEFAULT_PORT)
        any_inputs = "--any-inputs" in options
        answer = ask(kind, port=port, takes_any_inputs=any_inputs, timeout_s=TIMEOUT_S)
    except (OSError, ValueError) as error:
        print(json.dumps({"error": str(error)}))  # noqa: T201 (standard output is the result)
        return NO_SERVICE
    print(json.dumps(answer))  # noqa: T201 (standard output is the result)
    return 1 if answer.get("outcome") == REFUSED else 0


if __name__ == "__main__":
    sys.exit(main())
