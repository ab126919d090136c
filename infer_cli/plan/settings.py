"""The settings that the user gives to a service, checked."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from infer_cli.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

RESTART_POLICIES = ("no", "on-failure", "always", "unless-stopped")


def check_restart(policy: str) -> None:
    """Raise `UsageError` for a `--restart` that the engine does not know."""
    if policy not in RESTART_POLICIES:
        choices = ", ".join(RESTART_POLICIES)
        raise UsageError(f"--restart {policy} is not known", hint=f"choose one of {choices}")


def environment_of(given: Iterable[str], workers: int | None, optional: tuple[str, ...]) -> dict[str, str]:
    """The environment variables of `--env`, `--workers` and `--optional`, by name; raises `UsageError`."""
    found: dict[str, str] = {}
    for entry in given:
        key, equals, value = entry.partition("=")
        if not equals or not key:
            raise UsageError(f"--env {entry} is not a setting", hint="write it as NAME=VALUE")
        found[key] = value
    if workers is not None:
        found["WORKERS"] = str(workers)
    if optional:
        found["OPTIONAL_FEATURES"] = json.dumps(optional)
    return found
