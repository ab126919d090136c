"""Under which names the service answers.

A browser lets a page of any site reach every name of that site, also one that its owner has let point to
127.0.0.1 since (DNS rebinding). Such a request bears the name of the site, so that it can be told from one
that means this service.
"""

from __future__ import annotations

from functools import lru_cache
from ipaddress import ip_address
from typing import TYPE_CHECKING

from service.access.refusals import Refusal, shown

if TYPE_CHECKING:
    from collections.abc import Iterable

ANY = "*"
# No site can have these names: browsers take `localhost` and all below it for this machine, and `internal`
# is kept for private networks. By the last two, containers reach the machine that they run on.
ALWAYS = ("localhost", ".localhost", "host.docker.internal", "host.containers.internal")
_KEPT = 1024


class HostCheck:
    """Lets requests pass that name an IP address, this machine, or one of the allowed names.

    A name that begins with a dot stands for all names below it.
    """

    def __init__(self, allowed: Iterable[str]) -> None:
        names = [name.lower().rstrip(".") for name in (*ALWAYS, *allowed)]
        self._names = frozenset(name for name in names if not name.startswith("."))
        self._endings = tuple(name for name in names if name.startswith("."))
        # A client sends the same header again and again.
        self._is_allowed = lru_cache(_KEPT)(self._looked_up)

    def refusal(self, header: str) -> Refusal | None:
        """Give what is said to a request with this header `Host`; None if it may pass.

        A request without one comes from no browser, and passes.
        """
        if not header or self._is_allowed(header):
            return None
        name = shown(_name_of(header))
        return Refusal(
            status=421,
            code="misdirected_request",
            message=f"This service does not answer to the name {name}. If the name is yours, start the "
            f"service with --allowed-host {name} (the setting ALLOWED_HOSTS).",
        )

    def _looked_up(self, header: str) -> bool:
        name = _name_of(header).rstrip(".")
        return name in self._names or name.endswith(self._endings) or _is_address(name)


def _name_of(header: str) -> str:
    """Give the header without a port, in lower case; without brackets, if it is an address of IPv6."""
    if header.startswith("["):
        return header[1:].partition("]")[0].lower()
    return header.partition(":")[0].lower()


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
