"""A fake engine, for behaviour that a real engine does not show on demand.

It serves the engine's API on a Unix socket. Its images hold no program, like images made from `scratch`, so
every RUN instruction fails. A test prepares an answer with `script` or `answer`, and the fake sends it once.
"""

from __future__ import annotations

import base64
import io
import json
import re
import socketserver
import tarfile
import tempfile
import threading
import uuid
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator

# The JSON objects of the engine's API, which has no types here.
Json = dict[str, Any]

_API_VERSION = re.compile(r"^/v[\d.]+")
_LABEL = re.compile(r'(\S+?)="?(.*?)"?$')
NO_PROGRAM = "OCI runtime create failed: unable to start container process: no such file or directory"


@dataclass
class Request:
    """A request that the fake received."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]

    def credentials(self, header: str) -> Json:
        """The credentials in a header such as X-Registry-Auth."""
        found: Json = json.loads(base64.urlsafe_b64decode(self.headers.get(header, "e30=")))
        return found


@dataclass
class FakeEngine:
    """The state of the fake: its images and containers, the requests so far, and the prepared answers."""

    socket: Path
    version: Json = field(
        default_factory=lambda: {"Version": "20.10.24", "ApiVersion": "1.41", "Arch": "amd64"}
    )
    images: dict[str, Json] = field(default_factory=dict)
    containers: list[Json] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    scripts: dict[str, list[Json]] = field(default_factory=dict)
    answers: dict[str, tuple[int, object]] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"unix://{self.socket}"

    def script(self, verb: str, *events: Json) -> None:
        """Answer the next request of this kind with a stream of the events."""
        self.scripts[verb] = list(events)

    def answer(self, verb: str, answer: object, *, status: int = 200) -> None:
        """Answer the next request of this kind with JSON, or with a string as it is."""
        self.answers[verb] = (status, answer)

    def asked(self, verb: str) -> list[Request]:
        """The requests of one kind, such as `push`."""
        return [request for request in self.requests if _verb(request) == verb]

    def add_image(
        self, tag: str | None, labels: dict[str, str], parent: str = "", image_id: str | None = None
    ) -> str:
        image_id = image_id or f"sha256:{uuid.uuid4().hex}{uuid.uuid4().hex}"
        config = {"Labels": labels, "Env": ["PATH=/bin"]}
        image = {"Id": image_id, "RepoTags": [], "Size": 0, "Architecture": "amd64", "Config": config}
        self.images[image_id] = {**image, "ParentId": parent}
        if tag is not None:
            for other in self.images.values():
                other["RepoTags"] = [name for name in other["RepoTags"] if name != tag]
            self.images[image_id]["RepoTags"] = [tag]
        return image_id

    def add_service(self, name: str, *, state: str = "running", **more: object) -> Json:
        """Add a container of a service; `more` are further fields of its record."""
        container_id = uuid.uuid4().hex + uuid.uuid4().hex
        container = {
            "Id": container_id,
            "Name": f"/{name}",
            "State": {"Status": state, "StartedAt": "2026-01-31T12:00:00.123456789Z"},
            "Config": {"Image": "iris:v1", "Labels": {"infer.service": "1.2.3"}},
            **more,
        }
        self.containers.append(container)
        return container

    def find_image(self, reference: str) -> Json | None:
        for image in self.images.values():
            if reference in image["RepoTags"] or image["Id"].removeprefix("sha256:").startswith(
                reference.removeprefix("sha256:")
            ):
                return image
        return None


def _verb(request: Request) -> str:
    """The kind of a request: a verb such as push, or else its path."""
    path = request.path
    for ending, verb in (
        ("/push", "push"),
        ("/build", "build"),
        ("/images/create", "create"),
        ("/images/load", "load"),
        ("/tag", "tag"),
    ):
        if path.endswith(ending):
            return verb
    if path.startswith("/images/") and request.method == "DELETE":
        return "remove"
    return path.strip("/")


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    engine: FakeEngine

    def do_GET(self) -> None:
        self._answer()

    do_POST = do_DELETE = do_HEAD = do_GET  # noqa: N815 (http.server calls them by these names)

    def log_message(self, *_: object) -> None:
        """Log nothing: pytest shows each failure."""

    def address_string(self) -> str:
        return "unix"

    def _answer(self) -> None:
        parts = urlsplit(self.path)
        path = _API_VERSION.sub("", unquote(parts.path))
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        request = Request(self.command, path, query, dict(self.headers))
        body = self._body()
        self.engine.requests.append(request)
        verb = _verb(request)
        if verb in self.engine.scripts:
            self._stream(self.engine.scripts.pop(verb))
        elif verb in self.engine.answers:
            status, answer = self.engine.answers.pop(verb)
            self._json(answer, status)
        elif verb == "build":
            self._stream(_build(self.engine, body))
        elif verb == "create":
            self._create(query)
        elif verb == "load":
            self._load(body)
        elif verb == "tag":
            self._tag(path.removeprefix("/images/").removesuffix("/tag"), f"{query['repo']}:{query['tag']}")
        elif verb == "remove":
            self._remove(path.removeprefix("/images/"))
        else:
            self._look_up(path, query)

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") == "chunked":
            body = b""
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            return body
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _look_up(self, path: str, query: dict[str, str]) -> None:
        filters = json.loads(query.get("filters", "{}"))
        if path == "/version":
            self._json(self.engine.version)
        elif path == "/info":
            self._json({"DockerRootDir": "/nowhere"})
        elif path == "/containers/json":
            self._json(
                [
                    {
                        "Id": container["Id"],
                        "Names": [container["Name"]],
                        "Image": "iris:v1",
                        "Labels": container["Config"]["Labels"],
                    }
                    for container in self.engine.containers
                    if query.get("all") == "1" or container["State"]["Status"] == "running"
                ]
            )
        elif path.startswith("/containers/"):
            self._look_up_container(path.removeprefix("/containers/").removesuffix("/json"))
        elif path == "/images/json":
            self._json([image for image in self.engine.images.values() if _matches(image, filters)])
        elif path.startswith("/images/") and (
            found := self.engine.find_image(path[8:].removesuffix("/json"))
        ):
            self._json(found)
        elif path.startswith("/images/"):
            self._json({"message": f"No such image: {path[8:].removesuffix('/json')}"}, 404)
        else:
            self._json({"message": "page not found"}, 404)

    def _look_up_container(self, container_id: str) -> None:
        for container in self.engine.containers:
            if container["Id"] == container_id:
                self._json(container)
                return
        self._json({"message": f"No such container: {container_id}"}, 404)

    def _create(self, query: dict[str, str]) -> None:
        name = f"{query['repo'] if 'repo' in query else query['fromImage']}:{query['tag']}"
        self._json({"message": f"pull access denied for {name}, repository does not exist"}, 404)

    def _load(self, body: bytes) -> None:
        with tarfile.open(fileobj=io.BytesIO(body)) as archive:
            [entry] = json.load(archive.extractfile("manifest.json"))  # type: ignore[arg-type]
            config = json.load(archive.extractfile(entry["Config"]))  # type: ignore[arg-type]
        self.engine.add_image(
            entry["RepoTags"][0], config["config"]["Labels"], image_id=f"sha256:{entry['Config'][:-5]}"
        )
        self._stream([{"stream": f"Loaded image: {entry['RepoTags'][0]}\n"}])

    def _tag(self, reference: str, name: str) -> None:
        image = self.engine.find_image(reference)
        if image is None:
            self._json({"message": f"No such image: {reference}"}, 404)
            return
        image["RepoTags"] = sorted({*image["RepoTags"], name})
        self._json({}, 201)

    def _remove(self, reference: str) -> None:
        image = self.engine.find_image(reference)
        if image is None:
            self._json({"message": f"No such image: {reference}"}, 404)
            return
        while image is not None and not any(
            other["ParentId"] == image["Id"] for other in self.engine.images.values()
        ):
            del self.engine.images[image["Id"]]
            parent = self.engine.images.get(image["ParentId"])
            image = None if parent is None or parent["RepoTags"] else parent
        self._json([{"Deleted": reference}])

    def _json(self, answer: object, status: int = 200) -> None:
        body = (answer if isinstance(answer, str) else json.dumps(answer)).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _stream(self, events: list[Json]) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for event in events:
            line = json.dumps(event).encode() + b"\r\n"
            self.wfile.write(b"%x\r\n%s\r\n" % (len(line), line))
        self.wfile.write(b"0\r\n\r\n")


def _matches(image: Json, filters: Json) -> bool:
    named = [True] if image["RepoTags"] else [False]
    dangling = "dangling" not in filters or named == [False]
    return dangling and all(label in image["Config"]["Labels"] for label in filters.get("label", ()))


def _labels(words: list[str]) -> dict[str, str]:
    return {match[1]: match[2] for word in words if (match := _LABEL.match(word))}


def _build(engine: FakeEngine, body: bytes) -> list[Json]:
    """Build a Dockerfile as an engine builds it from `scratch`: FROM, LABEL, ENV, and a RUN that fails."""
    with tarfile.open(fileobj=io.BytesIO(body)) as context:
        text = context.extractfile("Dockerfile").read().decode()  # type: ignore[union-attr]
    lines = [line for line in text.splitlines() if line.strip()]
    events: list[Json] = []
    image = ""
    labels: dict[str, str] = {}
    for number, line in enumerate(lines, 1):
        word, _, rest = line.partition(" ")
        events.append({"stream": f"Step {number}/{len(lines)} : {line}"})
        events.append({"stream": "\n"})
        if word == "RUN":
            return [*events, {"errorDetail": {"message": NO_PROGRAM}, "error": NO_PROGRAM}]
        if word == "LABEL":
            labels |= _labels([rest])
        found = engine.find_image(rest) if word == "FROM" and rest != "scratch" else None
        if word == "FROM" and rest != "scratch":
            if found is None:
                message = f"pull access denied for {rest}"
                return [*events, {"errorDetail": {"message": message}, "error": message}]
            image, labels = found["Id"], dict(found["Config"]["Labels"])
        elif word != "FROM":
            image = engine.add_image(None, labels, image)
        events.append({"stream": f" ---> {image.removeprefix('sha256:')[:12]}\n"})
    short = image.removeprefix("sha256:")[:12]
    return [*events, {"aux": {"ID": image}}, {"stream": f"Successfully built {short}\n"}]


class _Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True


@contextmanager
def running_fake_engine() -> Iterator[FakeEngine]:
    """A fake engine that listens on a socket of its own until the end of the block."""
    # The path of a Unix socket is at most about 100 characters long; `tmp_path` may be longer.
    with tempfile.TemporaryDirectory(prefix="infer") as folder:
        engine = FakeEngine(Path(folder) / "engine.sock")
        handler = type("Handler", (_Handler,), {"engine": engine})
        with _Server(str(engine.socket), handler) as server:
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
            thread.start()
            yield engine
            server.shutdown()
            thread.join()
