"""A service with the certificate of the user, and the commands of infer that ask it."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import pytest
import requests

from infer_cli import tokens
from infer_cli.engine.services import find_service
from tests.service.certificates import make_pair

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from infer_cli.engine.connection import Engine
    from tests.conftest import Finished

ROW = {"slength": "5.1", "swidth": "3.5", "plength": "1.4", "pwidth": "0.2"}
WORDS = [f"{name}={value}" for name, value in ROW.items()]


def ask_with_every_command(infer: Callable[..., Finished], service_name: str, url: str) -> None:
    """Let the commands of infer ask a service whose certificate they believe by themselves."""
    assert infer("predict", service_name, *WORDS).stdout.startswith("setosa")
    bench = infer("bench", service_name, "--rate", "20", "--duration", "1s", "--warm-up", "0s", "--json")
    assert json.loads(bench.stdout)["errors"]["count"] == 0, bench.stderr
    assert url in infer("ps").stdout
    (seen,) = json.loads(infer("top", service_name, "--once", "--json").stdout)["services"]
    assert (seen["url"], "certificate" in str(seen["reason"])) == (url, False), seen
    health = infer("exec", service_name, "--", "python3", "-m", "service.health")
    assert health.stdout == '200 {"status":"ready"}\n'


def test_a_service_with_a_certificate_is_asked_by_tls(
    engine: Engine,
    infer: Callable[..., Finished],
    iris_image: str,
    iris_folder: Path,
    service_name: str,
    free_port: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("INFER_STATE_DIR", str(tmp_path / "state"))
    pair, url = make_pair(tmp_path / "tls"), f"https://localhost:{free_port}"
    pair.key.chmod(0o600)
    run = ("run", iris_image, "--model-dir", str(iris_folder), "--name", service_name, "-p", str(free_port))
    other = make_pair(tmp_path / "other")
    refused = infer(*run, "-d", "--tls-cert", str(pair.certificate), "--tls-key", str(other.key))
    assert refused.exit_code == 1
    assert f"error: {other.key} is not the key of the certificate {pair.certificate}" in refused.stderr

    started = infer(*run, "-d", "--tls-cert", str(pair.certificate), "--tls-key", str(pair.key))

    assert started.exit_code == 0, started.stderr
    assert f"{service_name} is ready at {url}\n" in started.stdout
    command = started.stdout.partition("Try it: ")[2].splitlines()[0]
    tried = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True)
    assert "prediction" in tried.stdout
    answer = requests.get(f"{url}/prediction", params=ROW, verify=str(pair.certificate), timeout=60)
    assert answer.json()["prediction"] == "setosa"
    # Plain HTTP has no answer, and need not wait for it.
    with pytest.raises(requests.exceptions.ConnectionError):
        requests.get(f"http://localhost:{free_port}/readyz", timeout=60)

    ask_with_every_command(infer, service_name, url)

    # Nobody sees the key.
    service = find_service(engine, service_name)
    secret = pair.key.read_text().splitlines()[1]
    inspected = engine.api.inspect_container(service.container_id)
    shown = [json.dumps(inspected), infer("logs", service_name).stdout, infer("ps", "--json").stdout]
    assert [text for text in shown if secret in text] == []

    # It takes a renewed certificate while it runs, and none that does not fit.
    renewed = make_pair(tmp_path / "renewed")
    renew = ("renew", service_name, "--tls-cert", str(renewed.certificate), "--tls-key")
    assert infer(*renew, str(other.key)).exit_code == 1
    done = infer(*renew, str(renewed.key))
    assert done.stdout == f"{service_name} has the certificate {renewed.certificate}\n", done.stderr
    assert requests.get(f"{url}/readyz", verify=str(renewed.certificate), timeout=60).status_code == 200

    # It is the same after a restart, and nothing is left after its end.
    assert infer("restart", service_name).exit_code == 0
    assert infer("predict", service_name, *WORDS).exit_code == 0
    assert service.access is not None
    kept = tokens.shared_folder(service.access).parent
    assert infer("stop", service_name).exit_code == 0
    assert not kept.exists()
