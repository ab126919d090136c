"""Credentials for one registry, from the user's Docker configuration and its credential helpers.

Only the helper of that registry is asked: a broken helper of another one does not matter.
"""

from __future__ import annotations

import json
import warnings
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from infer_cli.errors import EngineError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infer_cli.engine.connection import Engine


def credentials_for(engine: Engine, registry: str) -> dict[str, str] | None:
    """What the user's configuration holds for `registry`, or None.

    Raises `EngineError` if that registry's own helper fails.
    """
    from docker import auth  # noqa: PLC0415 (slow to import)
    from docker.errors import DockerException  # noqa: PLC0415

    _check_configuration()
    # The SDK has read the file, and has no public name for what it found.
    configured = engine.api._auth_configs  # type: ignore[attr-defined]  # noqa: SLF001
    try:
        with warnings.catch_warnings():
            # The SDK warns of a missing helper before it raises; we report that once.
            warnings.simplefilter("ignore")
            found = auth.resolve_authconfig(configured, registry=registry)
    except DockerException as error:
        message = f"the credential helper for {registry} failed: {error}"
        raise EngineError(message, hint=f"mend it, or log in again: `docker login {registry}`") from error
    return dict(found) if found else None


def _check_configuration() -> None:
    """The SDK takes a configuration that it cannot read for an empty one; raises `EngineError` instead."""
    from docker.utils.config import find_config_file  # noqa: PLC0415 (slow to import)

    found = find_config_file()
    if found is None or Path(str(found)).suffix != ".json":
        return
    path = Path(str(found))
    try:
        json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        message = f"the Docker configuration {path} cannot be read: {error}"
        raise EngineError(message, hint="mend it, or log in again without it: `docker login`") from error


@contextmanager
def without_credentials(engine: Engine) -> Iterator[None]:
    """Keep the SDK from asking every helper, as its build call otherwise does."""
    from docker.auth import AuthConfig  # noqa: PLC0415 (slow to import)

    configured = engine.api._auth_configs  # type: ignore[attr-defined]  # noqa: SLF001 (see above)
    # With no entry at all the SDK would read the configuration again.
    engine.api._auth_configs = AuthConfig({"auths": {"none.invalid": {}}})  # type: ignore[attr-defined]  # noqa: SLF001
    try:
        yield
    finally:
        engine.api._auth_configs = configured  # type: ignore[attr-defined]  # noqa: SLF001
