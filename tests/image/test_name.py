from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from docker.errors import APIError

from infer_cli.errors import InvalidImageName
from infer_cli.image.name import ImageName

if TYPE_CHECKING:
    from collections.abc import Iterator

    from infer_cli.engine.connection import Engine

DIGEST = "sha256:" + 32 * "0a"
VALID = [
    # The text; then its repository, tag and registry.
    pytest.param("iris", "iris", "latest", None, id="name alone"),
    pytest.param("iris:v1", "iris", "v1", None, id="name and tag"),
    pytest.param("i", "i", "latest", None, id="one letter"),
    pytest.param("7:7", "7", "7", None, id="digits"),
    pytest.param("ada/iris:v1", "ada/iris", "v1", None, id="user"),
    pytest.param("a/b/c/d:v1", "a/b/c/d", "v1", None, id="deep path"),
    pytest.param("iris.model:v1", "iris.model", "v1", None, id="dot in the name"),
    pytest.param("iris_model:v1", "iris_model", "v1", None, id="underscore"),
    pytest.param("iris__model:v1", "iris__model", "v1", None, id="two underscores"),
    pytest.param("iris---model:v1", "iris---model", "v1", None, id="many hyphens"),
    pytest.param("localhost/iris:v1", "iris", "v1", "localhost", id="localhost"),
    pytest.param("localhost:5000/iris:v1", "iris", "v1", "localhost:5000", id="localhost with a port"),
    pytest.param("host:5000/name", "name", "latest", "host:5000", id="port without a tag"),
    pytest.param("ghcr.io/ada/iris:v1", "ada/iris", "v1", "ghcr.io", id="registry"),
    pytest.param("docker.io/library/python:3.11", "library/python", "3.11", "docker.io", id="Docker Hub"),
    pytest.param("my-registry.example:443/a/b:v1", "a/b", "v1", "my-registry.example:443", id="long host"),
    pytest.param("Registry.Example/iris:v1", "iris", "v1", "Registry.Example", id="host in upper case"),
    pytest.param("127.0.0.1:5000/iris:v1", "iris", "v1", "127.0.0.1:5000", id="IPv4"),
    pytest.param("[::1]/iris:v1", "iris", "v1", "[::1]", id="IPv6"),
    pytest.param("[2001:db8::1]:5000/iris:v1", "iris", "v1", "[2001:db8::1]:5000", id="IPv6 with a port"),
    pytest.param("host:65535/iris", "iris", "latest", "host:65535", id="largest port"),
    pytest.param("localhost:5000", "localhost", "5000", None, id="host and port alone are name and tag"),
    pytest.param("iris:V1.2_rc-3", "iris", "V1.2_rc-3", None, id="every character that a tag may hold"),
    pytest.param("iris:_", "iris", "_", None, id="tag of an underscore"),
    pytest.param("iris:" + 128 * "v", "iris", 128 * "v", None, id="tag of 128 characters"),
    pytest.param(237 * "i", 237 * "i", "latest", None, id="longest name"),
    pytest.param("ghcr.io/" + 247 * "i", 247 * "i", "latest", "ghcr.io", id="longest name of a registry"),
    pytest.param(63 * "a", 63 * "a", "latest", None, id="63 hexadecimal digits"),
]

INVALID = [
    # The text; then the start of the rule in the message.
    pytest.param("", "it is empty", id="empty"),
    pytest.param("https://ghcr.io/iris:v1", "it has a URL scheme", id="https"),
    pytest.param("http://localhost:5000/iris", "it has a URL scheme", id="http"),
    pytest.param("iris@sha256:" + 64 * "0", "a digest", id="digest"),
    pytest.param("iris:v1@sha256:" + 64 * "0", "a digest", id="tag and digest"),
    pytest.param("iris v1", "it contains a space", id="space"),
    pytest.param(" iris", "it contains a space", id="leading space"),
    pytest.param("iris:v1\n", "it contains a space", id="trailing newline"),
    pytest.param("iris\t:v1", "it contains a space", id="tab"),
    pytest.param("Iris:v1", "the name must be lower case", id="upper case"),
    pytest.param("Ada/iris:v1", "the name must be lower case", id="user in upper case"),
    pytest.param("ghcr.io/Ada/iris:v1", "the name must be lower case", id="upper case behind a registry"),
    pytest.param("iris:", "there is nothing after the colon", id="trailing colon"),
    pytest.param("host:5000/iris:", "there is nothing after the colon", id="trailing colon behind a port"),
    pytest.param(":v1", "there is no name before the tag", id="tag alone"),
    pytest.param("host:5000/", "there is no name before the tag", id="registry alone"),
    pytest.param("host:5000/:v1", "there is no name before the tag", id="registry and tag"),
    pytest.param("iris:v1:v2", "the tag 'v1:v2' may hold only", id="two tags"),
    pytest.param("iris:.v1", "a tag cannot begin with '.'", id="tag with a leading dot"),
    pytest.param("iris:-v1", "a tag cannot begin with '-'", id="tag with a leading hyphen"),
    pytest.param("iris:v+1", "the tag 'v+1' may hold only", id="plus in a tag"),
    pytest.param("iris:é", "the tag 'é' may hold only", id="tag not ASCII"),
    pytest.param("iris:" + 129 * "v", "a tag is at most 128 characters long", id="tag of 129 characters"),
    pytest.param("ada/iris:v1/x", "a slash follows the colon", id="slash in a tag"),
    pytest.param("ada//iris", "a part between slashes is empty", id="two slashes"),
    pytest.param("iris/", "a part between slashes is empty", id="trailing slash"),
    pytest.param("/iris", "a part between slashes is empty", id="leading slash"),
    pytest.param("iris___model", "'iris___model' may hold only", id="three underscores"),
    pytest.param("iris..model", "'iris..model' may hold only", id="two dots"),
    pytest.param("-iris", "'-iris' may hold only", id="leading hyphen"),
    pytest.param("iris-", "'iris-' may hold only", id="trailing hyphen"),
    pytest.param("_iris", "'_iris' may hold only", id="leading underscore"),
    pytest.param("ada/.iris", "'.iris' may hold only", id="leading dot"),
    pytest.param("ir!s", "'ir!s' may hold only", id="exclamation mark"),
    pytest.param("größe", "'größe' may hold only", id="not ASCII"),
    pytest.param("iris;rm", "'iris;rm' may hold only", id="semicolon"),
    pytest.param(238 * "i", "the name is longer than 255 characters", id="longer than the longest name"),
    pytest.param(
        "ghcr.io/" + 248 * "i", "the name is longer than 255 characters", id="longer name of a registry"
    ),
    pytest.param(64 * "a", "64 hexadecimal digits are an image's id", id="name that is an id"),
    pytest.param("host:port/iris", "'port' is not a port", id="port that is no number"),
    pytest.param("host:/iris", "'' is not a port", id="empty port"),
    pytest.param("host:0/iris", "'0' is not a port", id="port 0"),
    pytest.param("host:65536/iris", "'65536' is not a port", id="port too large"),
    pytest.param("host:\u0665/iris", "'\u0665' is not a port", id="port in other digits"),
    pytest.param("-host.example/iris", "'-host.example' is not a host name", id="host with a leading hyphen"),
    pytest.param("host..example/iris", "'host..example' is not a host name", id="host with two dots"),
    pytest.param(
        "my_host.example/iris", "'my_host.example' is not a host name", id="host with an underscore"
    ),
    pytest.param("::1/iris", "':' is not a host name", id="IPv6 without brackets"),
    pytest.param("[::g]/iris", "'[::g]' is not a host name", id="IPv6 with a wrong letter"),
]


@pytest.mark.parametrize(("text", "repository", "tag", "registry"), VALID)
def test_a_valid_name_is_parsed(text: str, repository: str, tag: str, registry: str | None) -> None:
    assert ImageName.parse(text) == ImageName(repository, tag, registry)


@pytest.mark.parametrize(("text", "repository", "tag", "registry"), VALID)
def test_a_printed_name_parses_to_the_same_name(
    text: str, repository: str, tag: str, registry: str | None
) -> None:
    printed = str(ImageName.parse(text))

    assert printed == f"{f'{registry}/' if registry else ''}{repository}:{tag}"
    assert ImageName.parse(printed) == ImageName.parse(text)


@pytest.mark.parametrize(("text", "rule"), INVALID)
def test_the_error_of_an_invalid_name_states_the_broken_rule(text: str, rule: str) -> None:
    with pytest.raises(InvalidImageName) as raised:
        ImageName.parse(text)

    assert raised.value.message.startswith(f"{text!r} is not a valid image name: {rule}")
    assert raised.value.exit_code == 2
    assert raised.value.hint is not None


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        pytest.param("ghcr.io/Ada/Iris:V1", "try ghcr.io/ada/iris:V1", id="upper case"),
        pytest.param(
            "iris:",
            "write it as NAME:TAG, for example iris:v1, or HOST:PORT/NAME:TAG",
            id="anything else",
        ),
    ],
)
def test_the_hint_for_an_invalid_name_suggests_a_valid_one(text: str, hint: str) -> None:
    with pytest.raises(InvalidImageName) as raised:
        ImageName.parse(text)

    assert raised.value.hint == hint


@pytest.mark.parametrize(
    ("text", "name", "short_name", "host"),
    [
        pytest.param("iris:v1", "iris", "iris", "docker.io", id="Docker Hub"),
        pytest.param("ada/iris:v1", "ada/iris", "iris", "docker.io", id="a user on Docker Hub"),
        pytest.param(
            "localhost:5000/team/iris", "localhost:5000/team/iris", "iris", "localhost:5000", id="a registry"
        ),
    ],
)
def test_a_name_knows_its_parts(text: str, name: str, short_name: str, host: str) -> None:
    image = ImageName.parse(text)

    assert (image.name, image.short_name, image.host) == (name, short_name, host)


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        pytest.param(f"iris@{DIGEST}", f"iris@{DIGEST}", id="name"),
        pytest.param(f"host:5000/a/iris@{DIGEST}", f"host:5000/a/iris@{DIGEST}", id="registry"),
        pytest.param(f"iris:v1@{DIGEST}", f"iris@{DIGEST}", id="a digest takes precedence over the tag"),
    ],
)
def test_a_digest_is_parsed_where_it_is_allowed(text: str, printed: str) -> None:
    image = ImageName.parse(text, allow_digest=True)

    assert (image.digest, image.version, str(image)) == (DIGEST, DIGEST, printed)


@pytest.mark.parametrize(
    "digest", ["", "sha256:", "sha256:abc", f"md5:{64 * '0'}", f"{DIGEST}0", f"{DIGEST}\n"]
)
def test_a_digest_must_be_complete(digest: str) -> None:
    with pytest.raises(InvalidImageName, match=r"a digest is sha256: and 64 of 0-9 and a-f$"):
        ImageName.parse(f"iris@{digest}", allow_digest=True)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("iris:v1", False, id="one part"),
        pytest.param("ada/iris:v1", True, id="a user on Docker Hub"),
        pytest.param("localhost:5000/iris:v1", True, id="a registry"),
    ],
)
def test_a_name_of_one_part_cannot_be_pulled(*, text: str, expected: bool) -> None:
    assert ImageName.parse(text).can_be_pulled is expected


# Docker 20.10 does not support a registry with an IPv6 address.
NOT_ON_EVERY_ENGINE = {"IPv6", "IPv6 with a port"}
# The engine's API receives name and tag apart, so it sees no colon. It checks a port or a digest only when it
# pushes, and it reads an invalid host as a part of the name.
NOT_CHECKED_BY_THE_ENGINE = {
    "digest",
    "host with an underscore",
    "port 0",
    "port too large",
    "tag and digest",
    "trailing colon",
    "trailing colon behind a port",
    "two tags",
}


@pytest.fixture
def image_id(engine: Engine) -> Iterator[str]:
    """The id of an empty image on the real engine."""
    events = engine.api.import_image_from_data(bytes(1024), changes=["LABEL infer.test=names"])
    made = str(events).rpartition('"status":"')[2].partition('"')[0]
    yield made
    engine.api.remove_image(made, force=True)


@pytest.mark.docker
@pytest.mark.parametrize(
    "text",
    [pytest.param(row.values[0], id=row.id) for row in VALID if row.id not in NOT_ON_EVERY_ENGINE],
)
def test_the_engine_accepts_each_valid_name(engine: Engine, image_id: str, text: str) -> None:
    image = ImageName.parse(text)

    assert engine.api.tag(image_id, image.name, tag=image.tag)


@pytest.mark.docker
@pytest.mark.parametrize(
    "text",
    [pytest.param(row.values[0], id=row.id) for row in INVALID if row.id not in NOT_CHECKED_BY_THE_ENGINE],
)
def test_the_engine_refuses_each_invalid_name(engine: Engine, image_id: str, text: str) -> None:
    name, colon, tag = text.rpartition(":")
    if not colon or "/" in tag:
        name, tag = text, "latest"

    with pytest.raises((APIError, ValueError)):
        engine.api.tag(image_id, name, tag=tag)
