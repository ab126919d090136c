import json
from pathlib import Path

import pytest

from benchmarks import train
from benchmarks.columns import Column
from benchmarks.estimators import ESTIMATORS, estimator_table
from benchmarks.load import Slice
from benchmarks.serving import Measured, Results
from service.loading.model_file import load_model


def measured(requests_per_s: float, alone_ms: float) -> Measured:
    return Measured(loaded=Slice(requests_per_s, 10, 20), alone=Slice(1000 / alone_ms, alone_ms, alone_ms))


def test_each_cell_names_the_best_peer() -> None:
    results = Results()
    results.add("SVC", "infer", measured(400, 1))
    results.add("SVC", "busy", measured(200, 4))
    results.add("SVC", "prompt", measured(100, 2))
    results.fail("SVR", "infer", "it ended with 1")

    head, first, second = estimator_table(
        [Column("SVC", "SVC", "SVC"), Column("SVR", "SVR", "SVR")], results, ["busy", "prompt", "absent"]
    ).splitlines()

    assert head.split()[:2] == ["64", "connections,"]
    assert first.split()[0] == "SVC"
    assert "2.00 (2.00 to 2.00) busy" in first
    assert "0.50 (0.50 to 0.50) prompt" in first
    assert second.split(maxsplit=1) == ["SVR", "could not: it ended with 1"]


@pytest.mark.filterwarnings("ignore")
def test_every_estimator_can_be_trained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["train.py", str(tmp_path), *ESTIMATORS])

    train.main()

    for name in ESTIMATORS:
        assert len(json.loads((tmp_path / name / "cases.json").read_text())["labels"]) == 150


def test_rows_of_categories_are_of_known_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["train.py", str(tmp_path), "CategoricalNB"])

    train.main()

    home = tmp_path / "CategoricalNB"
    rows = json.loads((home / "cases.json").read_text())["rows"]
    features = load_model(home / "model.pkl").model.features
    for feature, column in zip(features, zip(*rows, strict=True), strict=True):
        assert feature.categories
        assert set(column) <= set(feature.categories)
