"""Both packages describe the same numbers by the same bins, and agree with a count by hand."""

from __future__ import annotations

import math

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infer_cli.distribution import FEWEST_VALUES, distribution_of
from service.schema import distribution as twin

FEW_DIFFERENT = st.lists(st.sampled_from([0.0, 1.0, 1.5, -3.0, 1e300]), min_size=FEWEST_VALUES, max_size=400)
ANY = st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=FEWEST_VALUES, max_size=400)


@given(FEW_DIFFERENT | ANY)
@settings(deadline=None, derandomize=True, max_examples=60, suppress_health_check=list(HealthCheck))
def test_the_bins_are_those_of_the_service(values: list[float]) -> None:
    found, expected = distribution_of(values), twin.distribution_of(values)

    if found is None or expected is None:
        assert [found, expected] == [None, None]
        assert len(set(values)) == 1
        return
    assert found.edges == expected.edges
    assert found.shares == pytest.approx(expected.shares)
    assert math.isclose(sum(found.shares), 1)
    low, *edges = found.edges
    for at, (edge, share) in enumerate(zip(edges, found.shares, strict=True)):
        inside = [value for value in values if (low < value or (at == 0 and value == low)) and value <= edge]
        assert len(inside) / len(values) == pytest.approx(share)
        low = edge


def test_few_values_tell_no_distribution() -> None:
    assert distribution_of([float(at) for at in range(FEWEST_VALUES - 1)]) is None
    assert distribution_of([float(at) for at in range(FEWEST_VALUES)]) is not None
