from pathlib import Path

import pytest

from benchmarks.checks import CODE, measured, save_forest
from infer_cli.inspection import inspect_model


@pytest.mark.parametrize("name", CODE)
def test_each_way_takes_the_forest(name: str, tmp_path: Path) -> None:
    file = tmp_path / "model.joblib"
    save_forest(file, trees=12, rows=50)

    cpu, clock = measured(CODE[name], file)

    assert cpu > 0
    assert clock > 0


def test_the_forest_is_as_large_as_its_trees(tmp_path: Path) -> None:
    few, many = tmp_path / "few.joblib", tmp_path / "many.joblib"
    save_forest(few, trees=10, rows=50)
    save_forest(many, trees=30, rows=50)

    assert inspect_model(many).feature_count == 4
    assert many.stat().st_size > 2 * few.stat().st_size
