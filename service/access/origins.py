"""Which pages of other sites may read what the service answers (CORS).

Without it, a browser lets no page but those of the service itself read an answer. It keeps nobody else from
asking: that is what tokens and the check of host names are for.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    Headers = tuple[tuple[str, str], ...]

ANY = "*"
# What a page may read of an answer besides its body.
EXPOSED = "Retry-After, WWW-Authenticate, X-Request-ID, Inference-Header-Content-Length"
# How long a browser need not ask again, in seconds.
KEPT_S = 600
_NAMES = re.compile(r"[A-Za-z0-9_, -]{1,1000}")
_VARY = ("Vary", "Origin")


class Origins:
    """Lets pages of the allowed origins, such as `https://app.example`, read answers; `*` stands for any."""

    def __init__(self, allowed: Iterable[str]) -> None:
        self._allowed = frozenset(one.rstrip("/").lower() for one in allowed)
        self._is_any = ANY in self._allowed

    def allows(self, origin: str) -> bool:
        """Whether pages of this origin may read answers."""
        return bool(origin) and (self._is_any or origin.lower() in self._allowed)

    def headers(self, origin: str) -> Headers:
        """Give what an answer to a request from this origin bears; empty for a request from no page.

        A cache must not give an answer for one origin to another one.
        """
        vary = () if self._is_any else (_VARY,)
        if not self.allows(origin):
            return vary
        name = ANY if self._is_any else origin
        exposed = ("Access-Control-Expose-Headers", EXPOSED)
        return (("Access-Control-Allow-Origin", name), exposed, *vary)

    def preflight(self, methods: str, *, headers: str, is_private: bool) -> Headers:
        """Give what says that a page may send a request of these methods with these headers.

        `is_private`: the browser also asks whether a page of the internet may ask a private network.
        """
        found = [("Access-Control-Allow-Methods", methods), ("Access-Control-Max-Age", str(KEPT_S))]
        if _NAMES.fullmatch(headers):
            found.append(("Access-Control-Allow-Headers", headers))
        if is_private:
            found.append(("Access-Control-Allow-Private-Network", "true"))
        return tuple(found)
