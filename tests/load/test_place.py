from __future__ import annotations

import socket

import pytest

from infer_cli.errors import UsageError
from infer_cli.load.place import check_url, require_local


@pytest.mark.parametrize(
    "url", ["http://localhost:5000", "http://127.0.0.1", "http://[::1]:80/", "https://a"]
)
def test_a_url_of_a_service_has_a_host_and_perhaps_a_port(url: str) -> None:
    assert check_url(url) == url.rstrip("/")


@pytest.mark.parametrize(
    "url",
    [
        "localhost:5000",
        "ftp://a",
        "https://",
        "http://",
        "http://a/x",
        "http://a?x=1",
        "http://a:b",
        "http://u:p@a",
    ],
)
def test_another_url_is_wrong_usage(url: str) -> None:
    with pytest.raises(UsageError, match="is not the URL of a service"):
        check_url(url)


def test_an_address_of_this_machine_is_local() -> None:
    require_local("http://localhost:1")
    require_local("http://127.3.2.1:1")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        # Nothing is sent: this only asks which address would be used.
        probe.connect(("192.0.2.1", 9))
        require_local(f"http://{probe.getsockname()[0]}:1")


def test_another_machine_needs_to_be_allowed() -> None:
    # An address that is reserved for documentation.
    with pytest.raises(UsageError, match="is on another machine") as refused:
        require_local("http://192.0.2.1:5000")

    assert refused.value.hint == "if it is yours to load, say so with --remote"
