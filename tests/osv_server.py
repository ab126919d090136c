"""A service that answers as OSV does (https://google.github.io/osv.dev/api/), with advisories of our own."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

# The JSON of the service, which has no types.
Json = dict[str, Any]

WORST = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"
MIDDLING = "CVSS:3.0/AV:N/AC:H/PR:L/UI:N/S:U/C:H/I:N/A:N"
SLIGHT = "CVSS:4.0/AV:L/AC:H/AT:P/PR:H/UI:A/VC:L/VI:N/VA:N/SC:N/SI:N/SA:N"


def advisory(identity: str, package: str, *events: Json, vector: str | None = None, **more: Any) -> Json:
    """An advisory in the form of OSV, for a range of versions of a package."""
    record: Json = {
        "schema_version": "1.7.4",
        "id": identity,
        "modified": "2026-03-14T05:47:39Z",
        "summary": f"{package} does what it should not",
        "affected": [
            {
                "package": {"ecosystem": "PyPI", "name": package, "purl": f"pkg:pypi/{package}"},
                "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, *events]}],
            }
        ],
    }
    if vector is not None:
        record["severity"] = [{"type": f"CVSS_V{vector[5]}", "score": vector}]
    return record | more


@dataclass
class Osv:
    """The advisories by package and version, how it answers, and the requests that it got so far."""

    url: str = ""
    advisories: dict[tuple[str, str], list[Json]] = field(default_factory=dict)
    page_size: int = 1000
    answer: bytes | None = None
    status: int = 200
    may_answer: threading.Event = field(default_factory=threading.Event)
    asked: list[str] = field(default_factory=list)

    def reply(self, path: str, question: Json) -> Json:
        """The answer to a question."""
        if path == "/v1/querybatch":
            pages = [self._page(one) for one in question["queries"]]
            return {
                "results": [
                    {
                        **page,
                        "vulns": [{"id": one["id"], "modified": one["modified"]} for one in page["vulns"]],
                    }
                    if page
                    else {}
                    for page in pages
                ]
            }
        assert path == "/v1/query"
        return self._page(question)

    def _page(self, query: Json) -> Json:
        assert query["package"]["ecosystem"] == "PyPI"
        found = self.advisories.get((query["package"]["name"], query["version"]), [])
        start = int(query.get("page_token") or 0)
        end = start + self.page_size
        page: Json = {"vulns": found[start:end]} if found else {}
        return {**page, "next_page_token": str(end)} if end < len(found) else page


@contextmanager
def osv_server() -> Iterator[Osv]:
    """A service on a port of its own, which ends with the test."""
    osv = Osv()
    osv.may_answer.set()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            question = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            osv.asked.append(self.path)
            osv.may_answer.wait()
            body = (
                osv.answer if osv.answer is not None else json.dumps(osv.reply(self.path, question)).encode()
            )
            # Those who do not wait for the answer may have gone.
            with suppress(ConnectionError):
                self.send_response(osv.status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        osv.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield osv
        finally:
            osv.may_answer.set()
            server.shutdown()
            thread.join()
