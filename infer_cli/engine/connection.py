"""Connects to an engine, and translates the errors of the Docker SDK into errors of infer."""

from __future__ import annotations

import os
import platform
import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from infer_cli.engine.endpoints import Endpoint, candidate_endpoints
from infer_cli.engine.outages import interrupt_if_hung, reason_of, survive_restarts
from infer_cli.errors import EngineError, EngineUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from docker import APIClient

    # A JSON object from the engine. The SDK passes it on without types, and its keys differ between Docker,
    # Podman and their versions. Every value is converted where it is read.
    EngineRecord = Mapping[str, Any]

# Docker 20.10, and every Podman since 4.
MINIMUM_API_VERSION = (1, 41)
_CONNECT_TIMEOUT_S = 15


@dataclass(frozen=True)
class Engine:
    """A connection to an engine that answers and is new enough.

    `architecture` is the engine's name of its processor, such as amd64.
    """

    api: APIClient
    endpoint: Endpoint
    version: str
    api_version: str
    architecture: str

    @property
    def is_local(self) -> bool:
        """Whether the engine can mount the folders of this machine."""
        return self.endpoint.is_local


def connect(environ: Mapping[str, str] | None = None) -> Engine:
    """Connect to the first endpoint where an engine answers.

    `environ` replaces the environment variables of the process. Raises `EngineUnavailable`, with a list of
    the endpoints that were tried and a hint how to start an engine on this operating system.
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
    """The folder of the engine's images, on the engine's machine; None if the engine does not name it."""
    with translated("ask the engine for its settings"):
        root = engine.api.info().get("DockerRootDir")
    return Path(root) if root else None


@contextmanager
def translated(doing: str) -> Iterator[None]:
    """Translate errors of the Docker SDK within the block into `EngineError` and `EngineUnavailable`.

    `doing` completes the message "cannot …".
    """
    import requests  # noqa: PLC0415 (slow to import)
    from docker.errors import APIError, DockerException  # noqa: PLC0415

    try:
        yield
    except APIError as error:
        raise EngineError(f"cannot {doing}: {explanation(error)}") from error
    except requests.exceptions.RequestException as error:
        if earlier := _earlier_outage(error):
            # What was to be cleaned up could not be: the first error says why, and what to do.
            raise earlier from error
        message = f"cannot {doing}: the engine stopped answering ({reason_of(error)})"
        raise EngineUnavailable(message, hint="check it with `infer doctor`") from error
    except DockerException as error:
        raise EngineError(f"cannot {doing}: {error}") from error


def _earlier_outage(error: BaseException) -> EngineUnavailable | None:
    """The `EngineUnavailable` while whose handling this error was raised, or None."""
    context = error.__context__
    while context is not None and not isinstance(context, EngineUnavailable):
        context = context.__context__
    return context


def explanation(error: Exception) -> str:
    """The engine's own explanation of an error, or else the text of the error."""
    return str(getattr(error, "explanation", None) or error).strip()


class _NotAnsweringError(Exception):
    """No usable engine answers at an endpoint; the text of the error is the reason."""


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
        raise _NotAnsweringError(reason_of(error)) from error
    except (InvalidConfigFile, ValueError) as error:
        message = f"the Docker configuration file cannot be read: {error}"
        raise EngineUnavailable(message, hint="fix or remove ~/.docker/config.json") from error
    except (DockerException, OSError) as error:
        raise _NotAnsweringError(reason_of(error)) from error
    # A build or a push may send nothing for minutes: from here on there is no timeout.
    api.timeout = None  # type: ignore[assignment]  # requests reads None as "no limit"
    engine = Engine(
        api,
        endpoint,
        str(facts.get("Version", "unknown")),
        str(facts["ApiVersion"]),
        str(facts.get("Arch", "")),
    )
    _check_version(engine)
    survive_restarts(api)
    interrupt_if_hung(api, endpoint)
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
        return f"start that engine, or choose another one: {first.source} names the address"
    if platform.system() == "Darwin":
        return "start it: `open -a Docker`, or `colima start`; to install it: `brew install --cask docker`"
    if shutil.which("dockerd") is None:
        return "install it: `sudo apt-get install docker.io` (Debian, Ubuntu), or see docs.docker.com"
    if Path("/run/systemd/system").is_dir():
        return "start it: `sudo systemctl start docker`"
    return "start it: `sudo dockerd &`"
