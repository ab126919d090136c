"""The settings that the user gives to a service, checked."""

from __future__ import annotations

import json
from types import MappingProxyType
from typing import TYPE_CHECKING

from infer_cli.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

RESTART_POLICIES = ("no", "on-failure", "always", "unless-stopped")
# When the engine starts a service again, unless the user says so: one that ends with its command, and others.
IN_FOREGROUND, IN_BACKGROUND = "no", "on-failure"


def check_restart(policy: str | None) -> None:
    """Raise `UsageError` for a `--restart` that the engine does not know."""
    if policy not in (None, *RESTART_POLICIES):
        choices = ", ".join(RESTART_POLICIES)
        raise UsageError(f"--restart {policy} is not known", hint=f"choose one of {choices}")


# Whether the service may connect to other programs; every image has it with the value 0.
EGRESS = "EGRESS"
# Of which share of the requests the values go into the log.
LOG_INPUTS = "LOG_INPUTS"
# Under which names the service answers: see `RunPlan.allowed_hosts`.
ALLOWED_HOSTS = "ALLOWED_HOSTS"
# The file of the tokens with which the service answers.
TOKENS_FILE = "TOKENS_FILE"
# The files of the certificate and its key, with which the service speaks TLS.
TLS_CERTIFICATE, TLS_KEY = "TLS_CERTIFICATE", "TLS_KEY"
# Whose pages may read what the service answers.
CORS_ORIGINS = "CORS_ORIGINS"


def environment_of(
    given: Iterable[str],
    workers: int | None,
    optional: tuple[str, ...],
    *,
    egress: bool = False,
    lists: Mapping[str, Iterable[str] | None] = MappingProxyType({}),
    log_inputs: float | None = None,
) -> dict[str, str]:
    """The environment variables of `--env` and of options that are settings, by name; raises `UsageError`."""
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
    if egress:
        found[EGRESS] = "1"
    found |= {name: ",".join(values) for name, values in lists.items() if values}
    if log_inputs is not None:
        found[LOG_INPUTS] = str(log_inputs)
    return found
