from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from service.loading import skops_names
from service.loading.skops_schema import Schema
from service.loading.unpickling import STAND_INS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from infer_cli.inspection.nodes.node_types import Global

pytestmark = pytest.mark.skipif(sys.version_info < (3, 11), reason="infer_cli needs Python 3.11")


def plain(names: Iterable[Global]) -> set[tuple[str, str]]:
    return {(name.module, name.name) for name in names}


def test_both_sides_allow_the_same_names() -> None:
    from infer_cli.inspection.formats import skops_names as host_names  # noqa: PLC0415 (see above)

    assert {loader: plain(names) for loader, names in host_names.PLAIN.items()} == skops_names.PLAIN
    assert host_names.STRICT == skops_names.STRICT
    assert plain(host_names.STAND_INS) == set(STAND_INS)


def test_both_sides_know_the_same_loaders() -> None:
    from infer_cli.inspection.formats import skops_names as host_names  # noqa: PLC0415 (see above)

    assert set(Schema._loaders) == {"JsonNode", *host_names.KNOWN}
