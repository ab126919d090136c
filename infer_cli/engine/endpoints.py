"""The endpoints where an engine may answer: first the Docker CLI's own choice, then other usual sockets."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from infer_cli.errors import EngineUnavailable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from docker.tls import TLSConfig

_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


@dataclass(frozen=True)
class Endpoint:
    """The address of an engine.

    `source` says where infer found the address. `is_chosen` means that the user chose it: then infer tries
    no other.
    """

    url: str
    source: str
    is_chosen: bool = False
    tls: TLSConfig | None = field(default=None, compare=False)

    @property
    def is_local(self) -> bool:
        """Whether the engine listens on a socket of this machine: then it can mount folders from here."""
        return self.url.startswith(("unix://", "npipe://", "http+unix://"))

    @property
    def published_host(self) -> str | None:
        """The host where this machine reaches a port published on the engine's 127.0.0.1, or None."""
        if self.is_local or urlsplit(self.url).hostname in _LOOPBACK:
            return "127.0.0.1"
        return None

    @property
    def engine_host(self) -> str:
        """The host name of the machine that the engine runs on."""
        return urlsplit(self.url).hostname or "localhost"


def candidate_endpoints(environ: Mapping[str, str], home: Path) -> list[Endpoint]:
    """The endpoints to try, in order: `DOCKER_HOST`, the current Docker context, then the usual sockets.

    If the user chose an endpoint, by the variable or a context, it is the only one. Raises
    `EngineUnavailable` if the context or the certificates cannot be read.
    """
    if host := environ.get("DOCKER_HOST"):
        return [Endpoint(host, "DOCKER_HOST", is_chosen=True, tls=_tls_from(environ))]
    context = _context_endpoint(environ)
    if context is not None:
        return [context]
    return [Endpoint(f"unix://{path}", source) for path, source in _usual_sockets(environ, home)]


def _context_endpoint(environ: Mapping[str, str]) -> Endpoint | None:
    from docker.context import ContextAPI  # noqa: PLC0415 (slow to import)
    from docker.context.config import get_current_context_name  # noqa: PLC0415

    variable = environ.get("DOCKER_CONTEXT")
    name = variable or get_current_context_name()
    if name == "default":
        return None
    source = f"{'DOCKER_CONTEXT' if variable else 'current context'} {name!r}"
    try:
        context = ContextAPI.get_context(name)
        host, tls = (context.Host, context.TLSConfig) if context else (None, None)
    except Exception as error:  # For a damaged file the SDK raises a plain Exception.
        message = f"the {source} cannot be read: {error}"
        raise EngineUnavailable(message, hint="see `docker context ls`, or set DOCKER_HOST") from error
    if not host:
        return Endpoint("", f"{source}, which does not exist", is_chosen=True)
    return Endpoint(host, source, is_chosen=True, tls=tls)


def _tls_from(environ: Mapping[str, str]) -> TLSConfig | None:
    """The TLS settings in DOCKER_TLS_VERIFY and DOCKER_CERT_PATH, read as the Docker CLI reads them."""
    verify = bool(environ.get("DOCKER_TLS_VERIFY"))
    folder = environ.get("DOCKER_CERT_PATH")
    if not (verify or folder):
        return None
    from docker.errors import TLSParameterError  # noqa: PLC0415 (slow to import)
    from docker.tls import TLSConfig  # noqa: PLC0415

    certificates = Path(folder) if folder else Path.home() / ".docker"
    try:
        return TLSConfig(
            client_cert=(str(certificates / "cert.pem"), str(certificates / "key.pem")),
            ca_cert=str(certificates / "ca.pem"),
            verify=verify,
        )
    except TLSParameterError as error:
        raise EngineUnavailable(
            f"the certificates for the engine in {certificates} cannot be read",
            hint="put ca.pem, cert.pem and key.pem there, or name their folder with DOCKER_CERT_PATH",
        ) from error


def _usual_sockets(environ: Mapping[str, str], home: Path) -> list[tuple[Path, str]]:
    """The sockets of engines at their default paths, each with the name of its product."""
    runtime = Path(environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}")
    return [
        (Path("/var/run/docker.sock"), "Docker"),
        (runtime / "docker.sock", "rootless Docker"),
        (home / ".docker/run/docker.sock", "Docker Desktop"),
        (home / ".docker/desktop/docker.sock", "Docker Desktop on Linux"),
        (home / ".colima/default/docker.sock", "Colima"),
        (runtime / "podman/podman.sock", "Podman"),
        (Path("/run/podman/podman.sock"), "Podman as root"),
    ]
