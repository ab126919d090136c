"""Connects to an engine, and translates its errors into ours."""

from __future__ import annotations

import os
import platform
import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from infer_cli.engine.endpoints import Endpoint, candidate_endpoints
from infer_cli.errors import EngineError, EngineUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from docker import APIClient

# Docker 20.10, and every Podman since 4.
MINIMUM_API_VERSION = (1, 41)
_CONNECT_TIMEOUT_S = 15


@dataclass(frozen=True)
class Engine:
    """A connection to an engine that answers and is new enough."""

    api: APIClient
    endpoint: Endpoint
    version: str
    api_version: str
    # The engine's own name of its processor, such as amd64.
    architecture: str

    @property
    def is_local(self) -> bool:
        """Whether this machine's folders can be mounted."""
        return self.endpoint.is_local


def connect(environ: Mapping[str, str] | None = None) -> Engine:
    """Connect to the first engine that answers.

    Raises `EngineUnavailable`, which lists what was tried and the command that starts one on this system.
    """
    environ = os.environ if environ is None else environ
    failures: list[tuple[Endpoint, str]] = []
    for endpoint in candidate_endpoints(environ, Path.home()):
        socket = Path(endpoint.url.removeprefix("unix://"))
        if endpoint.url.startswith("unix://") and not socket.exists():
            failures.append((endpoint, "no such socket"))
            continue
        try:
            return _open(endpoint)
        except _NotAnsweringError as error:
            failures.append((endpoint, str(error)))
    raise _nothing_answers(failures)


def data_folder(engine: Engine) -> Path | None:
    """Where the engine keeps images, on its own machine."""
    with translated("ask the engine for its settings"):
        root = engine.api.info().get("DockerRootDir")
    return Path(root) if root else None


@contextmanager
def translated(doing: str) -> Iterator[None]:
    """Translate the errors of calls to the engine; `doing` completes "cannot …"."""
    import requests  # noqa: PLC0415 (slow to import)
    from docker.errors import APIError, DockerException  # noqa: PLC0415

    try:
        yield
    except APIError as error:
        raise EngineError(f"cannot {doing}: {explanation(error)}") from error
    except requests.exceptions.RequestException as error:
        message = f"cannot {doing}: the engine stopped answering ({error})"
        raise EngineUnavailable(message, hint="check it with `infer doctor`") from error
    except DockerException as error:
        raise EngineError(f"cannot {doing}: {error}") from error


def explanation(error: Exception) -> str:
    """What the engine itself said."""
    return str(getattr(error, "explanation", None) or error).strip()


class _NotAnsweringError(Exception):
    """An endpoint that does not answer; the text says why."""


def _open(endpoint: Endpoint) -> Engine:
    import requests  # noqa: PLC0415 (slow to import)
    from docker import APIClient  # noqa: PLC0415
    from docker.errors import DockerException, InvalidConfigFile  # noqa: PLC0415

    if not endpoint.url:
        raise _NotAnsweringError("see `docker context ls`")
    if not _is_address(endpoint.url):
        raise _NotAnsweringError("not an address")
    try:
        api = APIClient(
            base_url=endpoint.url,
            version="auto",
            timeout=_CONNECT_TIMEOUT_S,
            tls=endpoint.tls or False,
            use_ssh_client=True,
        )
        facts = api.version()
    except requests.exceptions.RequestException as error:
        raise _NotAnsweringError(_reason(error)) from error
    except (InvalidConfigFile, ValueError) as error:
        message = f"the Docker configuration file cannot be read: {error}"
        raise EngineUnavailable(message, hint="mend or remove ~/.docker/config.json") from error
    except (DockerException, OSError) as error:
        raise _NotAnsweringError(_reason(error)) from error
    # A build or a push may be silent for longer than any fixed time.
    api.timeout = None  # type: ignore[assignment]  # requests reads None as "no limit"
    engine = Engine(
        api,
        endpoint,
        str(facts.get("Version", "unknown")),
        str(facts["ApiVersion"]),
        str(facts.get("Arch", "")),
    )
    _check_version(engine)
    return engine


def _is_address(url: str) -> bool:
    try:
        urlsplit(url).port  # noqa: B018 (reading it is the check)
    except ValueError:
        return False
    return True


def _check_version(engine: Engine) -> None:
    found = tuple(int(part) for part in engine.api_version.split("."))
    if found < MINIMUM_API_VERSION:
        needed = ".".join(map(str, MINIMUM_API_VERSION))
        message = (
            f"the engine at {engine.endpoint.url} is too old: "
            f"version {engine.version}, API {engine.api_version}; infer needs API {needed}"
        )
        raise EngineUnavailable(message, hint="update it to Docker 20.10 or newer, or Podman 4 or newer")


def _reason(error: BaseException) -> str:
    text = str(error)
    for sign, reason in (
        ("Permission denied", "permission denied"),
        ("Connection refused", "connection refused"),
        ("No such file", "no such socket"),
        ("timed out", "no answer in time"),
        ("Name or service not known", "unknown host"),
        ("API versions below", "too old"),
    ):
        if sign in text:
            return reason
    return text.splitlines()[0] if text else type(error).__name__


def _nothing_answers(failures: list[tuple[Endpoint, str]]) -> EngineUnavailable:
    tried = "\n".join(
        f"  {endpoint.url or '-'} ({endpoint.source}): {reason}" for endpoint, reason in failures
    )
    return EngineUnavailable(
        "no Docker engine answers",
        detail=f"tried:\n{tried}",
        hint=_how_to_start(failures),
    )


def _how_to_start(failures: list[tuple[Endpoint, str]]) -> str:
    first = failures[0][0]
    if any(reason == "permission denied" for _, reason in failures):
        return "allow yourself to use the engine: `sudo usermod -aG docker $USER`, then log in again"
    if first.is_chosen:
        return f"start the engine there, or choose another: it is named by {first.source}"
    if platform.system() == "Darwin":
        return "start it: `open -a Docker`, or `colima start`; to install it: `brew install --cask docker`"
    if shutil.which("dockerd") is None:
        return "install it: `sudo apt-get install docker.io` (Debian, Ubuntu), or see docs.docker.com"
    if Path("/run/systemd/system").is_dir():
        return "start it: `sudo systemctl start docker`"
    return "start it: `sudo dockerd &`"
