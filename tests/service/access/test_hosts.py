from __future__ import annotations

import pytest

from service.access.hosts import HostCheck

CHECK = HostCheck(["iris", "Models.Example.", ".svc.cluster.local"])


@pytest.mark.parametrize(
    "header",
    [
        *("127.0.0.1", "127.0.0.1:5000", "10.1.2.3:80", "[::1]", "[::1]:5000", "[fe80::1]:5000"),
        *("localhost", "localhost:5000", "LOCALHOST", "localhost.", "iris.localhost:5000"),
        *("host.docker.internal:5000", "host.containers.internal"),
        *("iris", "iris:5000", "Iris", "models.example", "models.example.:443"),
        "iris.default.svc.cluster.local",
        # HTTP/1.0 knows requests without a name; no browser sends one.
        "",
    ],
)
def test_addresses_this_machine_and_the_allowed_names_pass(header: str) -> None:
    assert CHECK.refusal(header) is None


@pytest.mark.parametrize(
    "header",
    [
        *("evil.example", "evil.example:5000", "iris.evil.example", "evil.iris", "sub.models.example"),
        *("localhost.evil.example", "127.0.0.1.evil.example", "notlocalhost", "svc.cluster.local"),
        *(
            "[::1",
            "[evil.example]",
            "1.2.3",
            "0x7f.1",
            "iris@evil.example",
            "evil.example:iris",
            ":5000",
            " ",
        ),
    ],
)
def test_any_other_name_is_refused(header: str) -> None:
    refusal = CHECK.refusal(header)

    # "[::1" names the address all the same.
    assert (refusal is None) == (header == "[::1")
    if refusal is not None:
        assert (refusal.status, refusal.code) == (421, "misdirected_request")


def test_the_refusal_names_the_option() -> None:
    refusal = CHECK.refusal("Evil.example:5000")

    assert refusal is not None
    assert "--allowed-host evil.example (the setting ALLOWED_HOSTS)" in refusal.message


def test_the_refusal_is_one_line_that_is_not_too_long() -> None:
    refusal = CHECK.refusal("a\nb\x1b" + 10_000 * "c")

    assert refusal is not None
    assert refusal.message.isprintable()
    assert len(refusal.message) < 500
