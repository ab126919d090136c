from __future__ import annotations

import pytest

from infer_cli.errors import UsageError
from infer_cli.plan.trust import parse_trust, trust_of_label, trust_text


def test_trusted_names_are_sorted_and_survive_a_label() -> None:
    trusted = parse_trust(["helpers", "a.b", "helpers"])

    assert trusted == ("a.b", "helpers")
    assert trust_of_label(trust_text(trusted)) == trusted
    assert trust_of_label(None) == ()


@pytest.mark.parametrize("name", ["", "*", "a b", "a..b", "a-b", "__main__", "__main__.Mine"])
def test_an_invalid_name_is_a_usage_error(name: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse_trust([name])

    assert raised.value.hint
