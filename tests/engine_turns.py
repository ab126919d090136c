"""Turns at the engine, for the tests that several processes of pytest-xdist run at the same time."""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from collections.abc import Set as AbstractSet
    from pathlib import Path

# Long enough for a container of another test, which goes away by itself, on a busy machine.
PATIENCE_S = 180


@contextmanager
def locked(folder: Path, name: str, *, shared: bool = False) -> Iterator[None]:
    """Hold a lock of that name, which all processes of a run share; `folder` is the process's own.

    A lone process needs no lock.
    """
    if "PYTEST_XDIST_WORKER" not in os.environ:
        yield
        return
    with (folder.parent / f"{name}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)
        yield


@contextmanager
def engine_turn(folder: Path, *, alone: bool) -> Iterator[None]:
    """Use the engine beside others that do, or `alone`, when all others have ended their tests."""
    with ExitStack() as turn:
        # Who waits to be alone keeps the door, so that nobody else begins a test meanwhile.
        with locked(folder, "door"):
            turn.enter_context(locked(folder, "engine", shared=not alone))
        yield


def left_behind(find: Callable[[], AbstractSet[str]], before: AbstractSet[str] = frozenset()) -> set[str]:
    """What `find` names, beyond `before`, and does not cease to name.

    Other tests have things of the same kind for a while.
    """
    left = set(find() - before)
    end = time.monotonic() + PATIENCE_S
    while left and time.monotonic() < end:
        time.sleep(0.2)
        left &= find()
    return left
