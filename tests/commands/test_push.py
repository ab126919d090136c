from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import Finished


@pytest.mark.parametrize("registry", ["localhost:21555", "localhost:21555/", "registry.example.org:5000"])
def test_a_registry_alone_is_no_name_of_an_image(infer: Callable[..., Finished], registry: str) -> None:
    finished = infer("push", "team/iris:v1", "--to", registry)

    whole = f"{registry.rstrip('/')}/iris"
    assert finished.exit_code == 2
    assert finished.stderr == (
        f"error: --to {registry} is a registry without the name of an image\n"
        f"hint: name the image there, too: `infer push team/iris:v1 --to {whole}`\n"
    )
