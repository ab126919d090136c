"""The inspection says of patterns what the service says."""

from __future__ import annotations

import pytest

from infer_cli.inspection.facts.patterns import is_quick
from service.loading.patterns import is_quick as is_quick_in_service
from tests.service.loading.test_backtracking import ENDLESS, USED


@pytest.mark.parametrize("pattern", [*USED, *ENDLESS])
def test_both_sides_say_the_same(pattern: str) -> None:
    assert is_quick(pattern) == is_quick_in_service(pattern) == (pattern in USED)
