"""The host reads boosters of XGBoost as the service does."""

from __future__ import annotations

import random
from dataclasses import asdict
from pathlib import Path

import pytest

from infer_cli.inspection.facts import xgboost_columns as host
from service.schema import xgboost_columns as service

HEADS = Path(__file__).parents[2] / "golden" / "boosters"
VERSIONS = ("1.7", "2.0", "3.0", "3.1", "3.2")


def told(raw: bytes) -> object:
    """Assert that both sides read the same, and give what they read."""
    here, there = host.columns_of(raw), service.columns_of(raw)
    if here is None or there is None:
        assert here is None and there is None  # noqa: PT018
        return None
    assert asdict(here) == asdict(there)
    assert (here.unknown, here.reason) == (there.unknown, there.reason)
    return here


@pytest.mark.parametrize("version", VERSIONS)
def test_both_sides_read_the_same_columns(version: str) -> None:
    assert told((HEADS / f"xgboost-{version}.head").read_bytes()) is not None


@pytest.mark.parametrize("version", VERSIONS)
def test_both_sides_read_damaged_bytes_alike(version: str) -> None:
    whole = (HEADS / f"xgboost-{version}.head").read_bytes()
    chance = random.Random(version)  # noqa: S311 (nothing is secret)

    for _ in range(300):
        damaged = bytearray(whole)
        for _ in range(chance.randrange(1, 4)):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        told(bytes(damaged[: chance.randrange(len(damaged) + 1)]))
        told(bytes(damaged))
