"""Credentials for one registry, from the user's Docker configuration and its credential helpers.

infer runs only the credential helper of that registry, so a broken helper of another registry does no harm.
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
    """The credentials for `registry` in the form that the SDK expects, or None if there are none.

    Raises `EngineError` if the configuration cannot be read, or if the credential helper of the registry
    fails.
    """
    from docker import auth  # noqa: PLC0415 (slow to import)
    from docker.errors import DockerException  # noqa: PLC0415

    _check_configuration()
    # The SDK has read the configuration, and offers no public access to the result.
    configured = engine.api._auth_configs  # type: ignore[attr-defined]  # noqa: SLF001
    try:
        with warnings.catch_warnings():
            # The SDK first warns of a missing helper and then raises: the warning would be a duplicate.
            warnings.simplefilter("ignore")
            found = auth.resolve_authconfig(configured, registry=registry)
    except DockerException as error:
        message = f"the credential helper for {registry} failed: {error}"
        raise EngineError(
            message, hint=f"fix the helper, or log in again: `docker login {registry}`"
        ) from error
    return dict(found) if found else None


def _check_configuration() -> None:
    """Raise `EngineError` for a configuration that cannot be read: the SDK would treat it as empty."""
    from docker.utils.config import find_config_file  # noqa: PLC0415 (slow to import)

    found = find_config_file()
    if found is None or Path(str(found)).suffix != ".json":
        return
    path = Path(str(found))
    try:
        json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        message = f"the Docker configuration {path} cannot be read: {error}"
        raise EngineError(
            message, hint="fix the file, or remove it and log in again: `docker login`"
        ) from error


@contextmanager
def without_credentials(engine: Engine) -> Iterator[None]:
    """Hide the configuration from the SDK within the block: its build call would run every helper."""
    from docker.auth import AuthConfig  # noqa: PLC0415 (slow to import)

    configured = engine.api._auth_configs  # type: ignore[attr-defined]  # noqa: SLF001 (see above)
    # With an empty configuration the SDK would read the file again, so there is one entry without meaning.
    engine.api._auth_configs = AuthConfig({"auths": {"none.invalid": {}}})  # type: ignore[attr-defined]  # noqa: SLF001
    try:
        yield
    finally:
        engine.api._auth_configs = configured  # type: ignore[attr-defined]  # noqa: SLF001
