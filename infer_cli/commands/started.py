"""The text and the record of a service that answers."""

from __future__ import annotations

import json
import shlex
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

if TYPE_CHECKING:
    from infer_cli.engine.connection import Engine
    from infer_cli.engine.services import Service


def describe_started(
    engine: Engine, service: Service, *, is_foreground: bool = False, state: str = "is ready"
) -> tuple[str, dict[str, object]]:
    """Where a service answers, a request to try, and how to go on; `state` says what became of it."""
    from infer_cli import tokens  # noqa: PLC0415 (keeps `infer --help` quick)
    from infer_cli.running.readiness import (  # noqa: PLC0415
        client_of,
        known_certificate,
        service_url,
    )

    url, token = service_url(engine, service), tokens.take_unshown(service.access)
    record: dict[str, object] = {"name": service.name, "id": service.container_id, "url": url}
    if url is None:
        port = service.host_port
        text = (
            f"{service.name} {state} on {engine.endpoint.engine_host}, published for that machine only.\n"
            f"Reach it from here with: ssh -N -L {port}:127.0.0.1:{port} {engine.endpoint.engine_host}\n"
            f"or start it with --host 0.0.0.0 to open it to the network."
        )
    else:
        client = client_of(engine, service)
        model = client.model()
        known = known_certificate(service)
        options = f"--cacert {shlex.quote(str(known))} " if known else ""
        options += f'-H "Authorization: Bearer $(infer token {service.name})" ' if service.has_tokens else ""
        command = f"curl {options}'{url}{model.example}'"
        record["example"] = url + model.example
        if model.example_body is not None:
            # In a query, a value of such a model could be read in two ways.
            body = json.dumps(model.example_body, ensure_ascii=False)
            command = (
                f"curl {options}-H 'Content-Type: application/json' -d {shlex.quote(body)} {url}/prediction"
            )
            record |= {"example": f"{url}/prediction", "example_body": model.example_body}
        elif known and urlsplit(url).hostname not in client.certified_names:
            # Programs that check the name would not believe it under this one.
            command = f"infer predict {service.name} {_words_of(model.example)}"
        page = f"\nPage: {url}/#token={token}" if token else ""
        text = f"{service.name} {state} at {url}{page}\nTry it: {command}"
    if token is not None:
        record["token"] = token
        text += f"\nToken: {token} (shown once; again with `infer token {service.name}`)"
    if is_foreground:
        return f"{text}\nCtrl-C stops and removes it.", record
    commands = (("Log", "logs"), ("Shell", "exec"), ("Stop", "stop"))
    more = "    ".join(f"{what}: infer {command} {service.name}" for what, command in commands)
    return f"{text}\n{more}", record


def _words_of(example: str) -> str:
    """The values of a query as words for a shell."""
    pairs = parse_qsl(urlsplit(example).query, keep_blank_values=True)
    return shlex.join(f"{name}={value}" for name, value in pairs)
