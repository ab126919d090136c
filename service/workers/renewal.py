"""Looks whether the files of a certificate were renewed."""

from __future__ import annotations

import time

from service.errors import WrongSettings
from service.logs import LOGGER
from service.workers.certificate import Certificate, mark_of

# A change counts once two looks have found the same, because certificate and key are not replaced in one
# moment.
LOOK_EVERY_S = 2.0


class Renewal:
    """Looks at the files of a certificate, and reads them again when they have changed."""

    def __init__(self, certificate: Certificate) -> None:
        self._latest = certificate
        self._mark = self._seen = certificate.mark
        self._look_at = time.monotonic() + LOOK_EVERY_S

    def look(self) -> Certificate | None:
        """Give the certificate that the files hold now, once for each change; None if there was none.

        If the service cannot use what they hold, the log says so, once.
        """
        if time.monotonic() < self._look_at:
            return None
        self._look_at = time.monotonic() + LOOK_EVERY_S
        mark = tuple(map(mark_of, self._latest.files))
        is_settled, self._seen = mark == self._seen, mark
        if not is_settled or mark == self._mark:
            return None
        self._mark = mark
        try:
            found = Certificate(*self._latest.files)
        except WrongSettings as error:
            LOGGER.error("%s; the certificate that was read before stays in use", error.problems[0])
            return None
        if found.digest == self._latest.digest:
            return None
        self._latest = found
        return found
