"""Tries what a hostile file does, in a process with limits: `python -m tests.safety.limited`.

Each line of standard input is a way to load and a file, with a tab between them. Each answer is one line:
what the loader said, or `limit` and why the process ended. The libraries are imported once, and each file is
loaded in a copy of the process.
"""

from __future__ import annotations

import os
import resource
import signal
import sys
import warnings
from pathlib import Path

import joblib
import numpy as np

from infer_cli.errors import InferError
from infer_cli.inspection import inspect_model, require_safe
from service.errors import ServiceError
from service.loading.model_file import load_model

# An attack is one only if it takes more than this; a gate may take as much.
CPU_SECONDS = {"joblib": 1, "walk": 1, "host": 10, "service": 10}
MORE_BYTES = 1536 * 1024**2


def _load(way: str, file: Path) -> str:
    try:
        if way in ("joblib", "walk"):
            held = joblib.load(file)
            if way == "walk":
                _walk(held)
        elif way == "host":
            require_safe(inspect_model(file), ())
        else:
            load_model(file)
    except (InferError, ServiceError) as error:
        return f"refused {error}"
    except (MemoryError, RecursionError, SystemError) as error:
        # Some compiled functions that find no memory raise nothing, which Python then reports.
        return f"limit {error!r}"
    except Exception as error:  # noqa: BLE001 (any error of a loader is an answer)
        return f"error {error!r}"
    return "loaded"


def _walk(held: object) -> None:
    """Go wherever a part is used, as code does that prints, compares or copies without thinking of this."""
    if isinstance(held, np.ndarray):
        held = held.tolist()
    if isinstance(held, dict):
        held = list(held.values())
    for part in held if isinstance(held, (list, tuple)) else getattr(held, "__dict__", {}).values():
        _walk(part)


def _limit(way: str) -> None:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
    size = pages * resource.getpagesize() + MORE_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (size, size))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS[way], CPU_SECONDS[way] + 1))


def main() -> None:
    """Answer each line."""
    warnings.simplefilter("ignore")
    for line in sys.stdin:
        way, file = line.rstrip("\n").split("\t")
        reader, writer = os.pipe()
        child = os.fork()
        if child == 0:
            _limit(way)
            os.write(writer, " ".join(_load(way, Path(file)).split())[:2000].encode())
            os._exit(0)
        os.close(writer)
        with os.fdopen(reader, "rb") as answer:
            said = answer.read().decode()
        _, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status):
            said = f"limit {signal.Signals(os.WTERMSIG(status)).name}"
        print(said or f"error ended with {status}", flush=True)  # noqa: T201 (the answer)


if __name__ == "__main__":
    main()
